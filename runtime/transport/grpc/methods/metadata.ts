/** gRPC methods of metadata and shutdown. */
import type { HealthApi } from '../../../api/health.ts';
import type { MetadataApi } from '../../../api/metadata.ts';
import { firstOf } from '../metadata.ts';
import { EMPTY, unary, type MethodRow } from '../registry.ts';

/** Members of the HTTP body that the proto names otherwise; the rest has the same name. */
const RENAMED: Readonly<Record<string, string>> = {
  actors: 'activeActorsCount',
  components: 'registeredComponents',
  extended: 'extendedMetadata',
};

const SUBSCRIPTION_TYPES: Readonly<Record<string, number>> = {
  DECLARATIVE: 1,
  PROGRAMMATIC: 2,
  STREAMING: 3,
};
const RUNTIME_STATUSES: Readonly<Record<string, number>> = {
  INITIALIZING: 0,
  DISABLED: 1,
  RUNNING: 2,
};

interface Subscription {
  readonly pubsubname: string;
  readonly rules?: readonly object[];
  readonly type: string;
}

function subscription({ pubsubname, rules, type, ...rest }: Subscription): object {
  return {
    ...rest,
    pubsubName: pubsubname,
    rules: { rules: rules ?? [] },
    type: SUBSCRIPTION_TYPES[type] ?? 0,
  };
}

/** The body of `GET /v1.0/metadata` as GetMetadataResponse. */
function messageOf(body: Record<string, unknown>): object {
  const message: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(body)) message[RENAMED[name] ?? name] = value;
  const { subscriptions, actorRuntime, scheduler } = body;
  if (Array.isArray(subscriptions)) {
    message['subscriptions'] = (subscriptions as Subscription[]).map(subscription);
  }
  if (scheduler) {
    const addresses = (scheduler as Record<string, unknown>)['connected_addresses'];
    message['scheduler'] = { connectedAddresses: addresses ?? [] };
  }
  if (actorRuntime) {
    const { runtimeStatus, ...rest } = actorRuntime as { runtimeStatus: string };
    message['actorRuntime'] = { ...rest, runtimeStatus: RUNTIME_STATUSES[runtimeStatus] ?? 0 };
  }
  return message;
}

export function metadataMethods(metadata: MetadataApi, health: HealthApi): MethodRow[] {
  return [
    unary('GetMetadata', () => messageOf(metadata.get())),
    unary<{ key: string; value: string }, object>('SetMetadata', ({ key, value }) => {
      metadata.set(key, value);
      return EMPTY;
    }),
    unary('Shutdown', (_request, { headers }) => {
      health.shutdown({ force: firstOf(headers['dapr-force-shutdown']) === 'true' });
      return EMPTY;
    }),
  ];
}
