/** The two rows that every state store has: a write of 200 bytes and a read, over 10,000 keys. */
import type { ComponentMetadata } from '../../components/component.ts';
import type { TestServer } from '../../test/servers/process.ts';
import type { Scale } from '../harness/question.ts';
import { openState } from './open.ts';
import { KEYS, keyOf, turns, VALUE, type Address, type Row } from './rows.ts';

/** The client library by itself. */
export interface BareStore {
  set(key: string, value: string): Promise<unknown>;
  get(key: string): Promise<unknown>;
  close(): Promise<void>;
}

export interface StatePlan {
  readonly driver: string;
  readonly version?: string;
  readonly server?: () => Promise<TestServer>;
  /** What the bare side sends for a write and for a read. */
  readonly bare: { readonly set: string; readonly get: string };
  metadata(address: Address, scale: Scale): ComponentMetadata;
  open(address: Address, scale: Scale): Promise<BareStore>;
}

/** Reads find all keys; a write before them puts them there. */
export async function fill(set: (key: string) => Promise<unknown>): Promise<void> {
  for (let first = 0; first < KEYS; first += 500) {
    await Promise.all(Array.from({ length: 500 }, (_, i) => set(`key-${first + i}`)));
  }
}

export function stateRows(plan: StatePlan): Row[] {
  const { driver, version, metadata } = plan;
  const common = { driver, ...(plan.server ? { server: plan.server } : {}) };
  return [
    {
      ...common,
      does: 'set',
      bare: plan.bare.set,
      async ours(address, scale) {
        const store = await openState(driver, metadata(address, scale), version);
        const operation = turns((caller, turn) =>
          store.apply({ kind: 'set', key: keyOf(caller, turn), value: VALUE }),
        );
        return { operation, close: () => store.close() };
      },
      async theirs(address, scale) {
        const store = await plan.open(address, scale);
        const operation = turns((caller, turn) => store.set(keyOf(caller, turn), VALUE));
        return { operation, close: () => store.close() };
      },
    },
    {
      ...common,
      does: 'get',
      bare: plan.bare.get,
      async ours(address, scale) {
        const store = await openState(driver, metadata(address, scale), version);
        await fill((key) => store.apply({ kind: 'set', key, value: VALUE }));
        const operation = turns((caller, turn) => store.get(keyOf(caller, turn)));
        return { operation, close: () => store.close() };
      },
      async theirs(address, scale) {
        const store = await plan.open(address, scale);
        await fill((key) => store.set(key, VALUE));
        const operation = turns((caller, turn) => store.get(keyOf(caller, turn)));
        return { operation, close: () => store.close() };
      },
    },
  ];
}
