/**
 * A component registry for tests: in-memory state survives a crash and restart
 * of the host, as a disk would, and a crashed host is cut off from its stores.
 */
import type { Component, Driver } from '../../components/component.ts';
import { createRegistry, type Registry, type ResolvedDriver } from '../../components/registry.ts';
import { TroupeError } from '../core/errors.ts';

export interface SurvivingRegistry {
  readonly registry: Registry;
  /** Cuts off every component handed out so far: from now on its operations fail. */
  cutOff(): Promise<void>;
  /** Really closes what survived. */
  close(): Promise<void>;
}

export function createSurvivingRegistry(): SurvivingRegistry {
  const inner = createRegistry();
  const kept = new Map<string, Component>();
  const handedOut = new Set<{ cut: boolean; readonly end: () => Promise<void> }>();

  function surviving<C extends Component>(driver: Driver<C>, kind: string): Driver<C> {
    return {
      fields: driver.fields,
      async create(options, context) {
        const survives = kind === 'state' && options.type === 'state.in-memory';
        const known = survives ? (kept.get(options.name) as C | undefined) : undefined;
        const component = known ?? (await driver.create(options, context));
        if (survives) kept.set(options.name, component);
        const state = { cut: false, end: async () => (survives ? undefined : component.close()) };
        handedOut.add(state);
        return gate(component, state);
      },
    };
  }

  return {
    registry: {
      types: () => inner.types(),
      async resolve(type, version) {
        const resolved = await inner.resolve(type, version);
        return {
          ...resolved,
          driver: surviving(resolved.driver as Driver<Component>, resolved.kind),
        } as ResolvedDriver;
      },
    },
    async cutOff() {
      const ended = [...handedOut];
      handedOut.clear();
      for (const state of ended) state.cut = true;
      for (const state of ended) await state.end();
    },
    async close() {
      for (const component of kept.values()) await component.close();
    },
  };
}

/** The component behind a switch: once cut, its operations reject as those of a lost backend do. */
function gate<C extends Component>(
  component: C,
  state: { readonly cut: boolean; readonly end: () => Promise<void> },
): C {
  const lost = (): Promise<never> =>
    Promise.reject(new TroupeError('UNAVAILABLE', 'the host has crashed'));
  return new Proxy(component, {
    get(target, property) {
      if (property === 'close' || property === Symbol.asyncDispose) return state.end;
      const member: unknown = Reflect.get(target, property, target);
      if (typeof member !== 'function') return member;
      return async (...args: unknown[]): Promise<unknown> => {
        if (state.cut) return lost();
        const result: unknown = await (member as (...a: unknown[]) => unknown).apply(target, args);
        return state.cut ? lost() : result;
      };
    },
  });
}
