/**
 * Stands between the API and a component: its calls run under the component's
 * outbound policy and are counted, so that an instance that was replaced is
 * closed only when nobody uses it any more.
 */
import type { Component } from '../../components/component.ts';
import type { KindName } from '../../components/registry.ts';
import { isTroupeError } from '../core/errors.ts';
import type { Resiliency } from '../core/resiliency.ts';
import type { ComponentKind } from '../core/resiliency-policies.ts';

/** Calls of each kind that a policy is for. Publishing has its own, because it repeats parts of a batch. */
const GUARDED: Readonly<
  Partial<Record<KindName, { readonly as: ComponentKind; readonly methods: readonly string[] }>>
> = {
  state: { as: 'Statestore', methods: ['get', 'getBulk', 'apply', 'transact', 'range'] },
  secretstores: { as: 'Secretstore', methods: ['getSecret', 'getBulkSecrets'] },
  configuration: { as: 'Configuration', methods: ['get'] },
  lock: { as: 'Lock', methods: ['tryLock', 'unlock'] },
  bindings: { as: 'Binding', methods: ['invoke'] },
  crypto: { as: 'Crypto', methods: ['wrapKey', 'unwrapKey'] },
  conversation: { as: 'Conversation', methods: ['converse'] },
};
/** Counted, without a policy. */
const COUNTED: Readonly<Partial<Record<KindName, readonly string[]>>> = {
  pubsub: ['publish', 'bulkPublish'],
  middleware: ['handle'],
};

/** What trying again does not change. */
const FINAL = new Set([
  'CANCELLED',
  'CONFLICT',
  'FORBIDDEN',
  'INVALID_ARGUMENT',
  'NOT_FOUND',
  'UNSUPPORTED',
]);

const isFinal = (error: unknown): boolean => isTroupeError(error) && FINAL.has(error.code);

export interface Guarded<C extends Component> {
  readonly component: C;
  /** Resolves when no call runs; those that begin meanwhile are waited for as well. */
  idle(): Promise<void>;
}

type Method = (...args: unknown[]) => Promise<unknown>;

/** `resiliency` is asked at each call, so that changed policies count at once. */
export function guard<C extends Component>(
  kind: KindName,
  name: string,
  instance: C,
  resiliency: Resiliency | undefined,
): Guarded<C> {
  let running = 0;
  const waiting: (() => void)[] = [];

  async function counted(call: () => Promise<unknown>): Promise<unknown> {
    running += 1;
    try {
      return await call();
    } finally {
      running -= 1;
      if (running === 0) for (const resolve of waiting.splice(0)) resolve();
    }
  }

  const own = GUARDED[kind];
  const wrapped = new Map<string, Method>();
  const wrap = (method: string, policed: ComponentKind | undefined): void => {
    const original = (instance as unknown as Record<string, Method | undefined>)[method];
    if (!original) return;
    const call = original.bind(instance);
    wrapped.set(method, (...args) => {
      const policy = policed && resiliency?.outbound(name, policed);
      if (!policy?.active) return counted(() => call(...args));
      const given = signalOf(args);
      return counted(() =>
        policy.run(({ signal }) => call(...withSignal(args, signal, given)), {
          signal: given,
          isFinal,
        }),
      );
    });
  };
  for (const method of own?.methods ?? []) wrap(method, own!.as);
  for (const method of COUNTED[kind] ?? []) wrap(method, undefined);

  const component = new Proxy(instance, {
    get(target, property) {
      const method = typeof property === 'string' ? wrapped.get(property) : undefined;
      if (method) return method;
      const value: unknown = Reflect.get(target, property, target);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
  return {
    component,
    idle: () =>
      running === 0 ? Promise.resolve() : new Promise((resolve) => waiting.push(resolve)),
  };
}

const isOptions = (value: unknown): value is { signal?: AbortSignal } =>
  typeof value === 'object' && value !== null && 'signal' in value;

function signalOf(args: readonly unknown[]): AbortSignal | undefined {
  const last = args.at(-1);
  return isOptions(last) ? last.signal : undefined;
}

/** Options with a signal are the last argument of every call that takes one. */
function withSignal(
  args: readonly unknown[],
  signal: AbortSignal | undefined,
  given: AbortSignal | undefined,
): unknown[] {
  if (signal === undefined || signal === given) return [...args];
  return isOptions(args.at(-1))
    ? [...args.slice(0, -1), { ...(args.at(-1) as object), signal }]
    : [...args];
}
