/**
 * Which actors of a type a run has. The engine lists those that have state;
 * Dapr keeps no such index, so behind a daprd the run names all that its input
 * can have made, and leaves out those that were not.
 */
import type { System } from 'troupe';
import { isTroupeError } from 'troupe/actor';
import { depotId } from '../../actors/logistics/area.ts';
import type { History } from './history.ts';
import type { Input } from './input.ts';

export interface Roster {
  /** Sorted by code units. */
  ids(type: RosterType): Promise<readonly string[]>;
}

export type RosterType = 'Order' | 'Returns' | 'Inventory' | 'Payment' | 'Depot' | 'Prediction';

const PAGE = 500;

/** Those that the input can have made. */
function possible(
  { invoices, ordered }: Pick<Input, 'invoices' | 'ordered'>,
  history: History | undefined,
): Readonly<Record<RosterType, readonly string[]>> {
  const orders = invoices.filter(({ kind }) => kind === 'order');
  const codes = [...ordered.keys()];
  return {
    Order: orders.map(({ id }) => id),
    Returns: invoices.filter(({ kind }) => kind === 'return').map(({ id }) => id),
    Inventory: codes,
    Payment: invoices.map(({ id }) => id),
    Depot: orders.map(({ country, time }) => depotId(country, time)),
    Prediction: [...codes, ...(history?.sold.keys() ?? [])],
  };
}

export function createRoster(
  system: System,
  {
    input,
    history,
    signal,
  }: {
    readonly input: Pick<Input, 'invoices' | 'ordered'>;
    readonly history: History | undefined;
    readonly signal: AbortSignal;
  },
): Roster {
  const listed = async (type: string): Promise<string[]> => {
    const ids: string[] = [];
    for (let after: string | undefined; ; after = ids.at(-1)) {
      signal.throwIfAborted();
      const next = { limit: PAGE, ...(after === undefined ? {} : { after }) };
      const page = await system.actors.list(type, next);
      ids.push(...page);
      if (page.length < PAGE) return ids;
    }
  };
  return {
    async ids(type) {
      try {
        return await listed(type);
      } catch (error) {
        if (!isTroupeError(error) || error.code !== 'UNSUPPORTED') throw error;
        return [...new Set(possible(input, history)[type])].toSorted((a, b) =>
          a < b ? -1 : a > b ? 1 : 0,
        );
      }
    },
  };
}

/** Asks each of them, some at once; one that was never made is left out. */
export async function askEach<T>(
  ids: readonly string[],
  ask: (id: string) => Promise<T>,
  { atOnce, signal }: { readonly atOnce: number; readonly signal: AbortSignal },
): Promise<T[]> {
  const answers: T[] = [];
  const known = async (id: string): Promise<T | undefined> => {
    try {
      return await ask(id);
    } catch (error) {
      if (isTroupeError(error) && error.code === 'NOT_FOUND') return undefined;
      throw error;
    }
  };
  for (let at = 0; at < ids.length; at += atOnce) {
    signal.throwIfAborted();
    const some = await Promise.all(ids.slice(at, at + atOnce).map(known));
    answers.push(...some.filter((answer) => answer !== undefined));
  }
  return answers;
}
