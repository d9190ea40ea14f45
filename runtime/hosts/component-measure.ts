/** Measures calls on components: number and latency by Dapr's names of operations. */
import type { KindName } from '../../components/registry.ts';
import type { FamilyName, Telemetry } from '../core/telemetry.ts';

interface Measured {
  readonly count: FamilyName;
  readonly latencies: FamilyName;
  /** By method; undefined: not an operation that is counted. */
  readonly operation: (method: string, args: readonly unknown[]) => string | undefined;
}

const CRYPTO = 'crypto_op';
const constant =
  (operations: Readonly<Record<string, string>>): Measured['operation'] =>
  (method) =>
    operations[method];

const STATE: Readonly<Record<string, string>> = {
  get: 'get',
  getBulk: 'bulk_get',
  transact: 'transaction',
};

const KINDS: Readonly<Partial<Record<KindName, Measured>>> = {
  state: {
    count: 'component_state_count',
    latencies: 'component_state_latencies',
    operation: (method, args) =>
      method === 'apply' && (args[0] as { readonly kind: string }).kind === 'delete'
        ? 'delete'
        : method === 'apply'
          ? 'set'
          : STATE[method],
  },
  secretstores: {
    count: 'component_secret_count',
    latencies: 'component_secret_latencies',
    operation: constant({ getSecret: 'get', getBulkSecrets: 'bulk_get' }),
  },
  configuration: {
    count: 'component_configuration_count',
    latencies: 'component_configuration_latencies',
    operation: constant({ get: 'get', subscribe: 'subscribe' }),
  },
  crypto: {
    count: 'component_crypto_count',
    latencies: 'component_crypto_latencies',
    operation: constant({ wrapKey: CRYPTO, unwrapKey: CRYPTO }),
  },
  bindings: {
    count: 'component_output_binding_count',
    latencies: 'component_output_binding_latencies',
    operation: (method, args) =>
      method === 'invoke' ? (args[0] as { readonly operation: string }).operation : undefined,
  },
  conversation: {
    count: 'component_conversation_count',
    latencies: 'component_conversation_latencies',
    operation: constant({ converse: '' }),
  },
};

/** Methods of a kind that are measured beside those under a policy. */
export const MEASURED_METHODS: Readonly<Partial<Record<KindName, readonly string[]>>> = {
  configuration: ['subscribe'],
};

type Method = (...args: unknown[]) => Promise<unknown>;

/** The method as it is, or with its measures around it. */
export function measuredCall(
  telemetry: Telemetry,
  { kind, component, namespace }: { kind: KindName; component: string; namespace: string },
  method: string,
  call: Method,
): Method {
  const measured = KINDS[kind];
  if (!measured) return call;
  return async (...args) => {
    const operation = measured.operation(method, args);
    if (operation === undefined) return call(...args);
    const startedAt = performance.now();
    const done = (success: boolean): void => {
      const labels = { component, namespace, operation, success: String(success) };
      telemetry.count(measured.count, labels);
      telemetry.observe(measured.latencies, labels, performance.now() - startedAt);
    };
    try {
      const result = await call(...args);
      done(true);
      return result;
    } catch (error) {
      done(false);
      throw error;
    }
  };
}
