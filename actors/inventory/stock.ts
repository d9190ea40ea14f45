/**
 * The arithmetic of stock. Pure. Every function keeps
 * initial = onHand + reserved + sold - returned, and no figure below zero.
 */

export interface Stock {
  initial: number;
  onHand: number;
  /** Sum of `holds`. */
  reserved: number;
  sold: number;
  returned: number;
  /** Units by order id, for orders that are not decided yet. */
  holds: Record<string, number>;
}

export function isWhole(quantity: number): boolean {
  return Number.isSafeInteger(quantity) && quantity >= 0;
}

export function openedWith(initial: number): Stock {
  return { initial, onHand: initial, reserved: 0, sold: 0, returned: 0, holds: {} };
}

/** Holds units for an order; an order that holds some already keeps them. Gives why not, or undefined. */
export function hold(stock: Stock, orderId: string, quantity: number): string | undefined {
  if (Object.hasOwn(stock.holds, orderId)) return undefined;
  if (!isWhole(quantity) || quantity === 0) return `cannot be reserved ${quantity} times`;
  if (quantity > stock.onHand) return `is short: ${stock.onHand} on hand, ${quantity} wanted`;
  stock.holds[orderId] = quantity;
  stock.onHand -= quantity;
  stock.reserved += quantity;
  return undefined;
}

/** Units that the order held and holds no longer. */
function drop(stock: Stock, orderId: string): number {
  if (!Object.hasOwn(stock.holds, orderId)) return 0;
  const quantity = stock.holds[orderId] ?? 0;
  delete stock.holds[orderId];
  stock.reserved -= quantity;
  return quantity;
}

export function commitHold(stock: Stock, orderId: string): void {
  stock.sold += drop(stock, orderId);
}

export function releaseHold(stock: Stock, orderId: string): void {
  stock.onHand += drop(stock, orderId);
}

export function putBack(stock: Stock, quantity: number): void {
  stock.onHand += quantity;
  stock.returned += quantity;
}
