/**
 * The language of the payment context. Actor `Payment`, id = order id (or
 * return id for a credit note). Amounts are integer pence. Postings are double
 * entry: those of one operation sum to zero.
 */

/** `cash` is money received; `sales`, `refunds` and `credit-notes` are its other side. */
export type Account = 'cash' | 'sales' | 'refunds' | 'credit-notes';

export interface Posting {
  readonly account: Account;
  /** The order, or the return for a credit note: the id of the Payment. */
  readonly orderId: string;
  /** Positive is a debit, negative a credit. */
  readonly amountPence: number;
  /** Idempotency key of the operation, for example `capture`, `void`, `refund:C536379`. */
  readonly operation: string;
}

export type PaymentState = 'none' | 'authorised' | 'captured' | 'declined' | 'voided';

export interface Statement {
  readonly id: string;
  readonly state: PaymentState;
  readonly authorisedPence: number;
  readonly capturedPence: number;
  readonly refundedPence: number;
  readonly creditPence: number;
  /** In the order in which they were made. */
  readonly postings: readonly Posting[];
}

/** Errors (ActorError): INVALID_PAYMENT 400, WRONG_STATE 409, REFUND_EXCEEDS_CAPTURE 409. */
export interface PaymentApi {
  /** Answers the order with `paymentAuthorised` or `paymentDeclined`; a repetition answers again. */
  authorise(request: {
    amountPence: number;
    currency: 'GBP';
    customer: string | null;
  }): Promise<void>;
  /** Takes the authorised amount: cash +, sales -. Answers the order with `paymentCaptured`. */
  capture(): Promise<void>;
  /** Undoes whatever there is: drops an authorisation, refunds in full what is still captured. */
  void(request: { reason: string }): Promise<void>;
  /** Gives back a part of what is captured: refunds +, cash -. Idempotent by `key`. */
  refund(request: { key: string; amountPence: number }): Promise<void>;
  /** Owes the customer an amount without an order: refunds +, credit-notes -. Idempotent by `key`. */
  creditNote(request: { key: string; amountPence: number }): Promise<void>;
  /** Read-only; an unused id has state `none`. */
  statement(): Promise<Statement>;
}

export interface ProviderRequest {
  /** The same at every repetition of one operation: the provider acts once on it. */
  readonly key: string;
  readonly orderId: string;
  readonly amountPence: number;
  readonly currency: 'GBP';
}

export type Authorisation =
  | { readonly approved: true; readonly reference: string }
  | { readonly approved: false; readonly reason: string };

/**
 * Who moves the money; the host hands it in. Each operation is idempotent by
 * `key`. A throw means "not known": the operation is asked again.
 */
export interface PaymentProvider {
  authorise(
    request: ProviderRequest & { readonly customer: string | null },
  ): Promise<Authorisation>;
  capture(request: ProviderRequest & { readonly reference: string }): Promise<void>;
  void(request: ProviderRequest & { readonly reference: string }): Promise<void>;
  refund(request: ProviderRequest & { readonly reference: string }): Promise<void>;
}
