/**
 * The language of the notification context. Actor `Notification`, id =
 * customer or `guest`. It listens to topic `orders` and acts once an event id.
 */

export interface Notice {
  /** Id of the event it was made from. */
  readonly eventId: string;
  /** Order or return. */
  readonly about: string;
  readonly text: string;
}

export interface NotificationView {
  readonly customer: string;
  /** Notices ever made. */
  readonly count: number;
  /** The latest 10, oldest first. */
  readonly latest: readonly Notice[];
}

export interface NotificationApi {
  /** Read-only. */
  view(): Promise<NotificationView>;
}
