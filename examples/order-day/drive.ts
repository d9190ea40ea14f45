/**
 * Takes the invoices of a day through the shop: opens the stock, creates every
 * order and return, and waits for each to end. A customer's invoices go one
 * after the other in file order, so that a return meets the orders it may be
 * of. Everything it does may be done again: after a crash the same call goes on
 * from what is there.
 */
import type { System } from 'troupe';
import { isActorError, isTroupeError } from 'troupe/actor';
import type { InventoryApi } from '../../actors/inventory/api.ts';
import type { OrderApi, ReturnsApi } from '../../actors/order/api.ts';
import type { OrderEvent } from '../../actors/order/events.ts';
import { Endings } from './endings.ts';
import { requestOf } from './invoices.ts';
import type { Invoice } from './invoices.ts';
import { runInLanes } from './lanes.ts';

export interface DriveOptions {
  readonly invoices: readonly Invoice[];
  /** Units that each stock code is opened with. */
  readonly opening: ReadonlyMap<string, number>;
  /** Invoices under way at once. */
  readonly concurrency: number;
  /** The state was used before: what has ended there is not created again. */
  readonly continued: boolean;
  readonly signal: AbortSignal;
  readonly onProgress?: (done: number) => void;
  readonly onEnded?: (invoice: Invoice) => void;
  /** The shop takes the invoice in no form; the run goes on without it. */
  readonly onRefused: (invoice: Invoice, message: string) => void;
}

const ORDER_ENDED = new Set<string>([
  'confirmed',
  'shipped',
  'delivered',
  'returned',
  'rejected',
  'cancelled',
]);
const RETURN_ENDED = new Set<string>(['settled', 'rejected']);

/** Resolves when every invoice has ended, or once the signal aborted and nothing more is asked of the shop. */
export async function drive(system: System, options: DriveOptions): Promise<void> {
  const { invoices, opening, concurrency, continued, signal } = options;
  const kinds = new Map(invoices.map(({ id, kind }) => [id, kind]));
  const hasEnded = (id: string): Promise<boolean> => ended(system, id, kinds.get(id) ?? 'order');
  using endings = new Endings({ ask: hasEnded });
  const giveUp = (): void => endings.giveUp();
  signal.addEventListener('abort', giveUp, { once: true });
  try {
    await using _ = await system.subscribe({ topic: 'orders' }, async ({ data }) => {
      const id = endOf(data as OrderEvent);
      if (id !== undefined) endings.ended(id);
    });
    await runInLanes(opening, {
      lane: () => undefined,
      concurrency,
      signal,
      run: async ([code, initial]) => {
        await system.ref<InventoryApi>('Inventory', code).open({ initial }, { signal });
      },
    });
    let done = 0;
    await runInLanes(invoices, {
      lane: ({ customer }) => (customer === '' ? undefined : customer),
      concurrency,
      signal,
      run: async (invoice) => {
        const { id } = invoice;
        // Waiting comes before asking and creating: an end in between is not missed.
        const ending = endings.of(id);
        if (continued && (await hasEnded(id))) endings.ended(id);
        else if (!(await create(system, invoice, options))) endings.ended(id);
        await ending;
        if (!signal.aborted) options.onEnded?.(invoice);
        options.onProgress?.(++done);
      },
    });
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    signal.removeEventListener('abort', giveUp);
  }
}

/** False when it is rejected from the start, or refused. */
async function create(
  system: System,
  invoice: Invoice,
  { signal, onRefused }: DriveOptions,
): Promise<boolean> {
  const request = requestOf(invoice);
  try {
    const { accepted } =
      invoice.kind === 'order'
        ? await system.ref<OrderApi>('Order', invoice.id).create(request, { signal })
        : await system.ref<ReturnsApi>('Returns', invoice.id).create(request, { signal });
    return accepted;
  } catch (error) {
    if (!isActorError(error)) throw error;
    onRefused(invoice, error.message);
    return false;
  }
}

async function ended(system: System, id: string, kind: Invoice['kind']): Promise<boolean> {
  try {
    if (kind === 'order') {
      return ORDER_ENDED.has((await system.ref<OrderApi>('Order', id).status()).state);
    }
    return RETURN_ENDED.has((await system.ref<ReturnsApi>('Returns', id).get()).state);
  } catch (error) {
    if (isTroupeError(error) && error.code === 'NOT_FOUND') return false;
    throw error;
  }
}

/** The order or return that an event ends. */
function endOf(event: OrderEvent): string | undefined {
  switch (event.type) {
    case 'order.confirmed':
    case 'order.rejected':
    case 'order.cancelled':
      return event.orderId;
    case 'return.settled':
    case 'return.rejected':
      return event.returnId;
    case 'order.shipped':
    case 'order.delivered':
    case 'order.returned':
      return undefined;
  }
}
