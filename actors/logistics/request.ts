/** The bodies of what a depot is asked, checked at its edge. Each throws ActorError INVALID_DELIVERY (400) that names the field. */
import { ActorError } from 'troupe/actor';

function refuse(what: string): never {
  throw new ActorError('INVALID_DELIVERY', what, { status: 400 });
}

export function readText(body: unknown, name: string): string {
  const value = (body as Readonly<Record<string, unknown>> | null | undefined)?.[name];
  return typeof value === 'string' && value !== '' ? value : refuse(`${name} must be text`);
}

/** The ids of `close`, each once, sorted. */
export function readOrders(body: unknown): string[] {
  const orders = (body as { orders?: unknown } | null | undefined)?.orders;
  if (!Array.isArray(orders) || !orders.every((id) => typeof id === 'string' && id !== '')) {
    return refuse('orders must be an array of order ids');
  }
  return [...new Set(orders as string[])].toSorted();
}
