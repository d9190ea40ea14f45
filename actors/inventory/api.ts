/**
 * The language of the inventory context. Actor `Inventory`, id = stock code as
 * written. At any moment initial = onHand + reserved + sold - returned, and no
 * figure is negative.
 */

export interface StockView {
  readonly code: string;
  /** Units the code was opened with. */
  readonly initial: number;
  /** Units that can be reserved. */
  readonly onHand: number;
  /** Units held for orders that are not decided yet. */
  readonly reserved: number;
  /** Units of confirmed orders, ever; a return does not lower it. */
  readonly sold: number;
  /** Units that came back to hand after they were sold, ever. */
  readonly returned: number;
}

/** Errors (ActorError): INVALID_STOCK 400, CONFLICT 409, NOT_FOUND 404 for a code never opened. */
export interface InventoryApi {
  /** Idempotent; another initial is a CONFLICT. */
  open(request: { initial: number }): Promise<StockView>;
  /** Answers the order with `reserved` or `refused`; a repetition while it is held answers again. */
  reserve(request: { orderId: string; item: number; quantity: number }): Promise<void>;
  /** Reserved becomes sold. Nothing held for the order: no effect. */
  commit(request: { orderId: string }): Promise<void>;
  /** Reserved goes back to hand. Nothing held for the order: no effect. */
  release(request: { orderId: string }): Promise<void>;
  /** Sold units come back: onHand and returned grow. `reference` is the return, or the cancelled order. */
  putBack(request: { reference: string; quantity: number }): Promise<void>;
  /** Read-only. */
  view(): Promise<StockView>;
  /** Read-only: orders that hold units now, sorted, with their units. */
  holds(): Promise<{ orderId: string; quantity: number }[]>;
}
