/**
 * A region: the sum of its stores by hour. Stores tell figures as they are, not
 * changes, so it subtracts what it knew of a store and adds what it hears.
 */
import { Actor, type StateEntry } from 'troupe/actor';
import { internal } from '../internal.ts';
import type { Counts, RegionApi, RegionView, StoreFigures } from './api.ts';
import { addCounts, KEPT_HOURS, noCounts } from './book.ts';

interface Sum {
  stores: number;
  occupancy: number;
  lost: number;
  /** Oldest first. */
  hours: Record<string, ReturnType<typeof noCounts>>;
}

interface Known {
  occupancy: number;
  lost: number;
  hours: Record<string, Counts>;
}

export class Region extends Actor implements RegionApi {
  static readonly type = 'Region';
  static readonly options = { readOnly: ['view'] };

  readonly #sum = this.state<Sum>('sum', {
    initial: () => ({ stores: 0, occupancy: 0, lost: 0, hours: {} }),
  });
  readonly #stores = new Map<string, StateEntry<Known | null>>();

  async told({ store, occupancy, lost, hours }: StoreFigures): Promise<void> {
    internal(this.ctx, 'Store');
    const sum = await this.#sum.get();
    const entry = this.#store(store);
    const known = (await entry.get()) ?? { occupancy: 0, lost: 0, hours: {} };
    if ((await entry.get()) === null) sum.stores++;
    sum.occupancy += occupancy - known.occupancy;
    sum.lost += lost - known.lost;
    for (const [hour, counts] of Object.entries(hours)) {
      const total = (sum.hours[hour] ??= noCounts());
      addCounts(total, known.hours[hour] ?? noCounts(), -1);
      addCounts(total, counts);
    }
    sum.hours = latest(sum.hours);
    entry.set({ occupancy, lost, hours: latest({ ...known.hours, ...hours }) });
  }

  async view(): Promise<RegionView> {
    const { hours, ...rest } = await this.#sum.get();
    return {
      region: this.ctx.id,
      ...rest,
      hours: Object.entries(hours).map(([hour, counts]) => ({ hour, ...counts })),
    };
  }

  #store(store: string): StateEntry<Known | null> {
    let entry = this.#stores.get(store);
    if (!entry) {
      entry = this.state<Known | null>(`store-${store}`, { initial: () => null });
      this.#stores.set(store, entry);
    }
    return entry;
  }
}

function latest<T>(hours: Record<string, T>): Record<string, T> {
  const kept = Object.keys(hours).toSorted().slice(-KEPT_HOURS);
  return Object.fromEntries(kept.map((hour) => [hour, hours[hour]!]));
}
