/** The embedded runtime as the suite opens it: the test kit, with a tap on the actor store. */
import type { Driver } from '../../components/component.ts';
import type { Registry, ResolvedDriver } from '../../components/registry.ts';
import type { StateOperation, StateStore } from '../../components/state/contract.ts';
import { createTestHost } from '../../runtime/testing/index.ts';
import type { OpenOptions, Running, StoreTap } from './table.ts';

export function openEmbedded({ tap, ...options }: OpenOptions): Promise<Running> {
  return createTestHost(options, tap ? { wrap: (registry) => tapped(registry, tap) } : {});
}

function tapped(registry: Registry, tap: StoreTap): Registry {
  return {
    types: () => registry.types(),
    async resolve(type, version) {
      const resolved = await registry.resolve(type, version);
      if (resolved.kind !== 'state') return resolved;
      const driver: Driver<StateStore> = {
        fields: resolved.driver.fields,
        create: async (options, context) =>
          tappedStore(await resolved.driver.create(options, context), tap),
      };
      return { ...resolved, driver } satisfies ResolvedDriver;
    },
  };
}

function tappedStore(store: StateStore, tap: StoreTap): StateStore {
  let transactions = 0;
  return new Proxy(store, {
    get(target, property) {
      const member: unknown = Reflect.get(target, property, target);
      if (property !== 'transact') return member;
      return async (operations: readonly StateOperation[]): Promise<unknown> => {
        const keys = operations.flatMap((operation) =>
          operation.kind === 'set' || operation.kind === 'delete' ? [operation.key] : [],
        );
        const number = ++transactions;
        await tap.before?.(keys, number);
        const result = await target.transact(operations);
        await tap.after?.(keys, number);
        return result;
      };
    },
  });
}
