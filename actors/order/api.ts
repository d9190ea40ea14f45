/**
 * The language of the order context: what callers see of an order, of a return
 * and of a customer's purchase record. Money is integer pence of `currency`.
 * Actors: `Order` (id = invoice), `Returns` (id = return invoice), `Purchases`
 * (id = customer). Methods marked "internal" are the saga's own messages.
 */

export type OrderState =
  | 'created'
  | 'reserved'
  | 'authorised'
  | 'confirmed'
  | 'shipped'
  | 'delivered'
  | 'rejected'
  | 'cancelled'
  | 'returned';

/** A line as it is asked for. `amountPence`, when given, must be what `lineAmountPence` of money.ts says. */
export interface LineRequest {
  readonly stockCode: string;
  readonly description: string;
  /** Whole units. Above 0, or the line is left out. */
  readonly quantity: number;
  /** Decimal text in pounds, for example `2.55`. Above 0, or the line is left out. */
  readonly unitPrice: string;
  readonly amountPence?: number;
}

/** A line that took part: priced, rounded half up. */
export interface OrderLine {
  readonly stockCode: string;
  readonly description: string;
  readonly quantity: number;
  readonly unitPrice: string;
  readonly amountPence: number;
}

/** A line that takes no part, and why. */
export interface LeftOutLine {
  readonly stockCode: string;
  readonly quantity: number;
  readonly unitPrice: string;
  readonly reason: string;
}

export interface CreateOrder {
  /** Null for a guest. */
  readonly customer: string | null;
  readonly country: string;
  readonly currency: 'GBP';
  /** When it was placed, as the shop wrote it, for example `2010-12-01 08:26:00`. */
  readonly placedAt: string;
  readonly lines: readonly LineRequest[];
  /** Lines that the caller could not even read. Default none. */
  readonly leftOut?: readonly LeftOutLine[];
}

/** The answer to `create`; a repetition with the same body gets the same one, whatever happened since. */
export interface Receipt {
  readonly id: string;
  /** False when no line was valid: the order (or return) is rejected from the start. */
  readonly accepted: boolean;
  readonly reason?: string;
  readonly totalPence: number;
  readonly currency: 'GBP';
  readonly lines: number;
  readonly leftOut: number;
}

/** When its goods arrive, or why no vehicle brings them. */
export interface Delivery {
  readonly depot: string;
  readonly vehicle?: string;
  /** For example `2010-12-02 09:41`. */
  readonly eta?: string;
  /** Why it has no vehicle. */
  readonly reason?: string;
}

export interface OrderView {
  readonly id: string;
  readonly customer: string | null;
  readonly country: string;
  readonly state: OrderState;
  /** Why it was rejected or cancelled. */
  readonly reason?: string;
  /** Sum of the lines. */
  readonly totalPence: number;
  readonly capturedPence: number;
  /** Given back, by returns and by cancelling. `capturedPence - refundedPence` is what the shop keeps. */
  readonly refundedPence: number;
  readonly currency: 'GBP';
  readonly placedAt: string;
  /** Milliseconds since the epoch of the last transition. */
  readonly changedAt: number;
  /** Stock codes whose answer to the reservation is awaited. */
  readonly waiting: number;
  /** What logistics told last of an order that is sold; absent before. */
  readonly delivery?: Delivery;
  readonly lines: readonly OrderLine[];
  readonly leftOut: readonly LeftOutLine[];
}

/** The same without lines: cheap for orders of hundreds of lines. */
export type OrderStatus = Omit<OrderView, 'lines' | 'leftOut'>;

/** One step of the audit trail. */
export interface HistoryItem {
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly state: OrderState;
  readonly note: string;
}

export interface Quantity {
  readonly stockCode: string;
  readonly quantity: number;
}

export interface ShipRequest {
  /** Idempotency key: the same shipment twice has one effect. */
  readonly shipmentId: string;
  /** Absent: everything that is not shipped yet. */
  readonly lines?: readonly Quantity[];
}

/** A wanted refund of one line of a return against one order. */
export interface ReturnWanted {
  /** Index of the line in the return. */
  readonly line: number;
  readonly stockCode: string;
  readonly quantity: number;
  readonly unitPrice: string;
  /** Most that may be refunded for it. */
  readonly amountPence: number;
}

/** What an order took back of one line of a return. */
export interface ReturnMatched {
  readonly line: number;
  readonly orderId: string;
  readonly quantity: number;
  readonly amountPence: number;
}

/**
 * Errors (ActorError): INVALID_ORDER 400, NOT_FOUND 404 for an order never
 * created, CONFLICT 409 for another body under the same id, WRONG_STATE 409
 * (names the state) for a transition that is not allowed.
 */
export interface OrderApi {
  /** Accepts the order and starts its saga; answers before the saga ends. Idempotent by body. */
  create(request: CreateOrder): Promise<Receipt>;
  /** Read-only. */
  get(): Promise<OrderView>;
  /** Read-only; `get` without the lines. */
  status(): Promise<OrderStatus>;
  /** Read-only: the last 50 transitions, oldest first. */
  history(): Promise<HistoryItem[]>;
  /**
   * From every state but rejected and returned: refunds, releases, puts stock
   * back. A second cancel answers as the first.
   */
  cancel(request: { reason: string }): Promise<OrderStatus>;
  /** From confirmed or shipped. */
  ship(request: ShipRequest): Promise<OrderStatus>;
  /** From shipped, once every unit is shipped. A second deliver answers as the first. */
  deliver(): Promise<OrderStatus>;
  /** Sends the current step of a stuck saga again. Refused once the saga has ended. */
  retry(): Promise<OrderStatus>;

  /** Internal, from Inventory. */
  reserved(reply: { item: number; stockCode: string; quantity: number }): Promise<void>;
  /** Internal, from Inventory. */
  refused(reply: { item: number; stockCode: string; reason: string }): Promise<void>;
  /** Internal, from Payment. */
  paymentAuthorised(): Promise<void>;
  /** Internal, from Payment. */
  paymentDeclined(reply: { reason: string }): Promise<void>;
  /** Internal, from Payment. */
  paymentCaptured(): Promise<void>;
  /** Internal, from Purchases. */
  purchaseRecorded(): Promise<void>;
  /** Internal, from Returns; answers with `orderMatched`. Idempotent by return id. */
  applyReturn(request: { returnId: string; lines: readonly ReturnWanted[] }): Promise<void>;
}

export type ReturnState = 'matching' | 'settled' | 'rejected';

/** A return invoice. Quantities are the units that come back: positive, unlike in the invoice. */
export type CreateReturn = CreateOrder;

export interface ReturnLine extends OrderLine {
  /** Refunded to the payments of earlier orders. */
  readonly refundedPence: number;
  /** The rest of `amountPence`: no earlier order, or more than was paid there. */
  readonly creditPence: number;
  /** The earlier orders that took it back, most recent first. */
  readonly matched: readonly {
    readonly orderId: string;
    readonly quantity: number;
    readonly amountPence: number;
  }[];
}

/** Once settled, `refundedPence + creditPence = totalPence`. */
export interface ReturnView {
  readonly id: string;
  readonly customer: string | null;
  readonly country: string;
  readonly state: ReturnState;
  readonly reason?: string;
  readonly totalPence: number;
  readonly refundedPence: number;
  readonly creditPence: number;
  readonly currency: 'GBP';
  readonly placedAt: string;
  readonly lines: readonly ReturnLine[];
  readonly leftOut: readonly LeftOutLine[];
}

/** Errors as for `OrderApi`. */
export interface ReturnsApi {
  create(request: CreateReturn): Promise<Receipt>;
  /** Read-only. */
  get(): Promise<ReturnView>;
  /** Sends the current step of a stuck return again. */
  retry(): Promise<ReturnView>;

  /** Internal, from Purchases: latest first, each with those of the codes that it holds. */
  candidatesFound(reply: { orders: readonly Candidate[] }): Promise<void>;
  /** Internal, from Order. */
  orderMatched(reply: { orderId: string; lines: readonly ReturnMatched[] }): Promise<void>;
}

/** An earlier order that may take something back. */
export interface Candidate {
  readonly orderId: string;
  readonly codes: readonly string[];
}

/** What a customer bought, in the order in which it was confirmed. */
export interface PurchasesApi {
  /** Internal, from Order; answers with `purchaseRecorded`. */
  record(request: { orderId: string; codes: readonly string[] }): Promise<void>;
  /** Internal, from Returns; answers with `candidatesFound`: orders with any of the codes, latest first. */
  findCandidates(request: { returnId: string; codes: readonly string[] }): Promise<void>;
  /** Read-only: how many orders, and the latest 20 of them, latest first. */
  view(): Promise<{ customer: string; orders: number; latest: string[] }>;
}
