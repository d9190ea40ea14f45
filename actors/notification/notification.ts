/**
 * Tells one customer what happened to their orders, by listening to topic
 * `orders`; it knows nothing of the order context but its events. Guests share
 * the actor `guest`. An event that comes again makes no second notice.
 */
import { Actor, type CloudEvent, type TopicSubscription } from 'troupe/actor';
import type { NotificationApi, NotificationView, Notice } from './api.ts';
import { noticeOf } from './notice.ts';

interface Box {
  count: number;
  latest: Notice[];
  /** Ids of the latest events acted on, oldest first. */
  seen: string[];
}

const LATEST = 10;
/** Events of one customer within which a repetition is recognised. */
const SEEN = 100;

function customerOf(event: CloudEvent): string {
  const { customer } = (event.data ?? {}) as { customer?: unknown };
  return typeof customer === 'string' && customer !== '' ? customer : 'guest';
}

export class Notification extends Actor implements NotificationApi {
  static readonly type = 'Notification';
  static readonly options = { readOnly: ['view'] };
  static readonly subscriptions: readonly TopicSubscription[] = [
    { topic: 'orders', method: 'onOrderEvent', id: customerOf },
  ];

  readonly #box = this.state<Box>('box', { initial: () => ({ count: 0, latest: [], seen: [] }) });

  async onOrderEvent(event: CloudEvent): Promise<void> {
    const notice = noticeOf(event);
    if (!notice) return;
    const box = await this.#box.get();
    if (box.seen.includes(event.id)) return;
    box.count += 1;
    box.latest = [...box.latest, notice].slice(-LATEST);
    box.seen = [...box.seen, event.id].slice(-SEEN);
  }

  async view(): Promise<NotificationView> {
    const { count, latest } = await this.#box.get();
    return { customer: this.ctx.id, count, latest };
  }
}
