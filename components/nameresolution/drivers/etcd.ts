/**
 * `nameresolution.etcd`, Troupe's own: each host is a key under a lease that it
 * keeps alive, so one that dies is gone when its lease is, and so are the services
 * that registered with it. Every instance watches the keys and answers from what
 * it has seen; an app that it has not seen is asked for once more.
 */
import { randomUUID } from 'node:crypto';
import { ComponentError } from '../../../runtime/core/errors.ts';
import type { ComponentOptions, Driver, MetadataField } from '../../component.ts';
import { Connection } from '../../etcd/connection.ts';
import { KeptKeys } from '../../etcd/kept-keys.ts';
import { endOfPrefix } from '../../etcd/keys.ts';
import { connectionFields, readConnection } from '../../etcd/settings.ts';
import { Watch } from '../../etcd/watch.ts';
import { readMetadata } from '../../metadata.ts';
import { balancingField, HostBalancer, readBalancing, type Strategy } from '../balancer.ts';
import type { HostAddress, NameResolver, PickedHost } from '../contract.ts';
import { notFound } from '../not-found.ts';
import { checkFields, openCatalogue } from '../service-catalogue.ts';
import { EtcdServices } from './etcd-services.ts';
import { EtcdView } from './etcd-view.ts';

const STRATEGIES: readonly [Strategy, ...Strategy[]] = ['roundRobin', 'weighted', 'leastInFlight'];

const fields: readonly MetadataField[] = [
  ...connectionFields,
  {
    name: 'ttl',
    description:
      'How long a host that gives no sign counts as alive. Whole seconds, at least `2s`; default `10s`.',
  },
  balancingField(STRATEGIES),
  {
    name: 'weight',
    description: 'Share of calls that this host takes beside others. Default `1`.',
  },
  {
    name: 'serviceTtl',
    description:
      'How long a service that registered, without a health check, stays without a heartbeat. At least `1s`; default `30s`.',
  },
  ...checkFields,
];

interface Host extends HostAddress {
  readonly id: string;
  readonly weight: number;
}

function readSettings(options: ComponentOptions) {
  const metadata = readMetadata(options, fields);
  const ttlMs = metadata.duration('ttl') ?? 10_000;
  if (ttlMs < 2_000 || ttlMs % 1_000 !== 0)
    throw metadata.refuse('ttl', 'must be whole seconds, at least 2s');
  return {
    ttlSeconds: ttlMs / 1_000,
    strategy: readBalancing(metadata, STRATEGIES),
    weight: metadata.count('weight', 1) ?? 1,
    catalogue: openCatalogue(options, metadata, 'serviceTtl'),
  };
}

async function openResolver(options: ComponentOptions, signal: AbortSignal): Promise<NameResolver> {
  const settings = readConnection(options);
  const { ttlSeconds, strategy, weight, catalogue } = readSettings(options);
  const connection = await Connection.open(options, settings, signal);
  const root = `${settings.root}hosts/`;
  const all = { key: Buffer.from(root), range_end: endOfPrefix(Buffer.from(root)) };
  const view = new EtcdView(root);
  const keys = new KeptKeys(options, { connection, ttlSeconds });
  const balancer = new HostBalancer<Host>(strategy);
  let isRegistered = false;
  let isClosed = false;

  function requireOpen(): void {
    if (isClosed) throw new ComponentError(options, 'is closed; create it again to use it');
  }

  async function readAll(): Promise<string> {
    const { kvs, header } = await connection.request((client, call) => client.kv.range(all, call));
    view.clear();
    for (const { key, value } of kvs) view.put(key.toString(), value);
    return header.revision;
  }

  async function readOne(appId: string): Promise<void> {
    const key = Buffer.from(view.prefixOf(appId));
    const range = { key, range_end: endOfPrefix(key) };
    const { kvs } = await connection.request((client, call) => client.kv.range(range, call));
    for (const kv of kvs) view.put(kv.key.toString(), kv.value);
  }

  let revision: string;
  try {
    revision = await readAll();
  } catch (error) {
    await connection.close();
    throw error;
  }
  const services = new EtcdServices(options, { catalogue, keys, view });
  const watch = new Watch(options, {
    ...{ connection, ranges: [all], revision },
    onEvents(events) {
      for (const { type, kv } of events) {
        const key = kv.key.toString();
        const isGone = type === 'Delete';
        view.put(key, isGone ? undefined : kv.value);
        services.onChange(key, isGone);
      }
    },
    async onGap() {
      const at = await readAll();
      services.onGap();
      return at;
    },
  });

  const pick = (appId: string): PickedHost | undefined =>
    balancer.pick(
      appId,
      services
        .list(appId)
        .filter(({ status }) => status === 'passing')
        .map(({ id, address, port, weight: share }) => ({
          id,
          host: address,
          port,
          weight: share,
        })),
    );

  async function close(): Promise<void> {
    if (isClosed) return;
    isClosed = true;
    watch.close();
    await services.close();
    await keys.close();
    await connection.close();
  }

  return {
    features: [],
    services,
    usage: () => connection.usage(),
    async register({ appId, host, port }) {
      requireOpen();
      if (isRegistered) throw new ComponentError(options, `"${appId}" is registered already`);
      isRegistered = true;
      const key = view.keyOf(appId, randomUUID());
      keys.keep(key, JSON.stringify({ appId, host, port, weight }));
      try {
        await keys.bring();
      } catch (error) {
        isRegistered = false;
        keys.keep(key, undefined);
        throw error;
      }
    },
    async resolve({ appId }) {
      requireOpen();
      if (services.list(appId).length === 0) await readOne(appId);
      const found = pick(appId);
      if (!found) throw notFound(appId);
      return found;
    },
    async ping() {
      requireOpen();
      await connection.ping();
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

export const driver: Driver<NameResolver> = {
  fields,
  create: (options, { signal }) => openResolver(options, signal),
};
