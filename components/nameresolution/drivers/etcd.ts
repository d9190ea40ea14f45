/**
 * `nameresolution.etcd`, Troupe's own: each host is a key under a lease that it
 * keeps alive, so one that dies is gone when its lease is. Every instance
 * watches the keys and answers from what it has seen; an app that it has not
 * seen is asked for once more.
 */
import { randomUUID } from 'node:crypto';
import { ComponentError } from '../../../runtime/core/errors.ts';
import type { ComponentOptions, Driver, MetadataField } from '../../component.ts';
import { Connection } from '../../etcd/connection.ts';
import { endOfPrefix } from '../../etcd/keys.ts';
import { KeptLease } from '../../etcd/kept-lease.ts';
import { connectionFields, readConnection } from '../../etcd/settings.ts';
import { Watch } from '../../etcd/watch.ts';
import { readMetadata } from '../../metadata.ts';
import { balancingField, HostBalancer, readBalancing, type Strategy } from '../balancer.ts';
import type { HostAddress, NameResolver, PickedHost } from '../contract.ts';
import { notFound } from '../not-found.ts';

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
];

interface Host extends HostAddress {
  readonly id: string;
  readonly weight: number;
}

function hostIn(id: string, value: Buffer): Host | undefined {
  try {
    const { host, port, weight = 1 } = JSON.parse(value.toString()) as Partial<Host>;
    return typeof host === 'string' && typeof port === 'number'
      ? { id, host, port, weight }
      : undefined;
  } catch {
    return undefined;
  }
}

function readSettings(options: ComponentOptions) {
  const metadata = readMetadata(options, fields);
  const ttlMs = metadata.duration('ttl') ?? 10_000;
  if (ttlMs < 2_000 || ttlMs % 1_000 !== 0)
    throw metadata.refuse('ttl', 'must be whole seconds, at least 2s');
  const weight = metadata.count('weight', 1) ?? 1;
  return { ttlSeconds: ttlMs / 1_000, strategy: readBalancing(metadata, STRATEGIES), weight };
}

async function openResolver(options: ComponentOptions, signal: AbortSignal): Promise<NameResolver> {
  const settings = readConnection(options);
  const { ttlSeconds, strategy, weight } = readSettings(options);
  const connection = await Connection.open(options, settings, signal);
  const root = `${settings.root}hosts/`;
  const all = { key: Buffer.from(root), range_end: endOfPrefix(Buffer.from(root)) };
  /** Hosts by app id, then by key. */
  const apps = new Map<string, Map<string, Host>>();
  const balancer = new HostBalancer<Host>(strategy);
  let lease: Promise<KeptLease> | undefined;
  let isClosed = false;

  const prefixOf = (appId: string): string => `${root}${encodeURIComponent(appId)}/`;

  function requireOpen(): void {
    if (isClosed) throw new ComponentError(options, 'is closed; create it again to use it');
  }

  function put(key: string, value: Buffer | undefined): void {
    const [name = '', id = ''] = key.slice(root.length).split('/');
    const appId = decodeURIComponent(name);
    const hosts = apps.get(appId) ?? new Map<string, Host>();
    const host = value && hostIn(id, value);
    if (host) hosts.set(key, host);
    else hosts.delete(key);
    if (hosts.size > 0) apps.set(appId, hosts);
    else apps.delete(appId);
  }

  async function readAll(): Promise<string> {
    const { kvs, header } = await connection.request((client, call) => client.kv.range(all, call));
    apps.clear();
    for (const { key, value } of kvs) put(key.toString(), value);
    return header.revision;
  }

  async function readOne(appId: string): Promise<void> {
    const key = Buffer.from(prefixOf(appId));
    const range = { key, range_end: endOfPrefix(key) };
    const { kvs } = await connection.request((client, call) => client.kv.range(range, call));
    for (const kv of kvs) put(kv.key.toString(), kv.value);
  }

  let watch: Watch;
  try {
    watch = new Watch(options, {
      ...{ connection, ranges: [all], revision: await readAll(), onGap: readAll },
      onEvents(events) {
        for (const { type, kv } of events)
          put(kv.key.toString(), type === 'Delete' ? undefined : kv.value);
      },
    });
  } catch (error) {
    await connection.close();
    throw error;
  }

  const pick = (appId: string): PickedHost | undefined =>
    balancer.pick(appId, [...(apps.get(appId)?.values() ?? [])]);

  async function close(): Promise<void> {
    if (isClosed) return;
    isClosed = true;
    watch.close();
    await (await lease?.catch(() => undefined))?.close();
    await connection.close();
  }

  return {
    features: [],
    usage: () => connection.usage(),
    async register({ appId, host, port }) {
      requireOpen();
      if (lease) throw new ComponentError(options, `"${appId}" is registered already`);
      const key = Buffer.from(prefixOf(appId) + randomUUID());
      const value = Buffer.from(JSON.stringify({ appId, host, port, weight }));
      lease = KeptLease.open(options, {
        ...{ connection, ttlSeconds },
        async write(id) {
          await connection.request(
            (client, call) => client.kv.put({ key, value, lease: id }, call),
            { writes: true },
          );
        },
      });
      try {
        await lease;
      } catch (error) {
        lease = undefined;
        throw error;
      }
    },
    async resolve({ appId }) {
      requireOpen();
      if (!apps.has(appId)) await readOne(appId);
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
