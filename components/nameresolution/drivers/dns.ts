/**
 * `nameresolution.dns`, Troupe's own: hosts by the DNS records that whatever runs
 * them keeps, such as a headless service of Kubernetes or Consul's DNS port. They
 * are addresses of hosts that all have the same port, or service records, which
 * have ports and weights. Nothing is registered here.
 */
import { ComponentError } from '../../../runtime/core/errors.ts';
import type { ComponentOptions, Driver, MetadataField } from '../../component.ts';
import { readMetadata } from '../../metadata.ts';
import { untilAborted } from '../../until-aborted.ts';
import { balancingField, HostBalancer, readBalancing, type Strategy } from '../balancer.ts';
import type { NameResolver } from '../contract.ts';
import { notFound } from '../not-found.ts';
import { DnsLookups, hasServers, type DnsHost, type LookupSettings } from './dns-lookups.ts';

const STRATEGIES: readonly [Strategy, ...Strategy[]] = ['roundRobin', 'weighted', 'leastInFlight'];

const fields: readonly MetadataField[] = [
  {
    name: 'name',
    required: true,
    description:
      'Name that is asked for, with `{appid}` for the id of the app and `{namespace}` for its namespace: `{appid}-dapr.{namespace}.svc.cluster.local`.',
  },
  {
    name: 'records',
    description:
      'What it has: `address` (A; AAAA where there is no A), or `service` (SRV, of which the least priority counts, and the addresses of their targets). Default `address`.',
  },
  {
    name: 'port',
    description: 'Internal port of every host, where records are addresses. Default `50002`.',
  },
  {
    name: 'servers',
    description:
      'IP addresses of the DNS servers, with ports that are not 53, divided by commas: `10.0.0.10, [fd00::1]:5353`. Default: those of the system.',
  },
  {
    name: 'timeout',
    description:
      'How long a server may take to answer; it is asked twice. At least `100ms`; default `2s`.',
  },
  {
    name: 'ttl',
    description:
      'How long an answer is used, at most; an address no longer than its record says. `0s`: for one call. Default `10s`.',
  },
  balancingField(STRATEGIES),
];

/** Of the internal API of sidecars on Kubernetes. */
const DEFAULT_PORT = 50_002;
const DEFAULT_NAMESPACE = 'default';

/** An id is one part of a name and brings no parts of its own. */
const isLabel = (text: string): boolean => /^[\w-]{1,63}$/.test(text);

interface Settings extends LookupSettings {
  readonly strategy: Strategy;
  nameOf(appId: string, namespace: string): string;
}

function readSettings(options: ComponentOptions): Settings {
  const metadata = readMetadata(options, fields);
  const pattern = metadata.text('name');
  if (pattern === undefined) throw metadata.refuse('name', 'is required');
  const nameOf = (appId: string, namespace: string): string =>
    pattern.replaceAll('{appid}', appId).replaceAll('{namespace}', namespace);
  if (!pattern.includes('{appid}')) throw metadata.refuse('name', 'must contain {appid}');
  if (!nameOf('app', 'ns').split('.').every(isLabel))
    throw metadata.refuse('name', 'must be the name of a host or service');
  const records = metadata.text('records') ?? 'address';
  if (records !== 'address' && records !== 'service')
    throw metadata.refuse('records', 'must be "address" or "service"');
  const port = metadata.count('port', 1) ?? DEFAULT_PORT;
  if (port > 65_535) throw metadata.refuse('port', 'must be at most 65535');
  const servers = metadata
    .text('servers')
    ?.split(',')
    .map((server) => server.trim());
  if (servers && !hasServers(servers))
    throw metadata.refuse('servers', 'must be IP addresses, with or without ports');
  const timeoutMs = metadata.duration('timeout') ?? 2_000;
  if (timeoutMs < 100) throw metadata.refuse('timeout', 'must be at least 100ms');
  const ttlMs = metadata.duration('ttl') ?? 10_000;
  if (ttlMs < 0) throw metadata.refuse('ttl', 'must not be negative');
  return {
    ...{ records, port, servers, timeoutMs, ttlMs },
    strategy: readBalancing(metadata, STRATEGIES),
    nameOf,
  };
}

export const driver: Driver<NameResolver> = {
  fields,
  async create(options, { signal }) {
    const settings = readSettings(options);
    const lookups = new DnsLookups(options, settings);
    const balancer = new HostBalancer<DnsHost>(settings.strategy);
    let isRegistered = false;
    let isClosed = false;

    function requireOpen(): void {
      if (isClosed) throw new ComponentError(options, 'is closed; create it again to use it');
    }

    const heeding = <T>(answer: Promise<T>, abort: AbortSignal | undefined): Promise<T> =>
      abort
        ? untilAborted(
            answer,
            abort,
            () => new ComponentError(options, 'was cancelled', { code: 'CANCELLED' }),
          )
        : answer;

    const close = async (): Promise<void> => {
      isClosed = true;
      lookups.close();
    };

    // Whether there is such an app does not matter: a server that says so is there.
    const ping = (abort?: AbortSignal): Promise<unknown> =>
      heeding(lookups.ask(settings.nameOf('ping', DEFAULT_NAMESPACE)), abort);

    try {
      await ping(signal);
    } catch (error) {
      await close();
      throw error;
    }
    return {
      features: [],
      async register({ appId }) {
        requireOpen();
        if (isRegistered) throw new ComponentError(options, `"${appId}" is registered already`);
        isRegistered = true;
      },
      async resolve({ appId, namespace = DEFAULT_NAMESPACE }, { signal: abort } = {}) {
        requireOpen();
        if (!isLabel(appId) || !isLabel(namespace)) throw notFound(appId);
        const name = settings.nameOf(appId, namespace);
        const hosts = await heeding(lookups.find(name), abort);
        const picked = balancer.pick(name, hosts);
        if (!picked) throw notFound(appId);
        return picked;
      },
      async ping({ signal: abort } = {}) {
        requireOpen();
        await ping(abort);
      },
      close,
      [Symbol.asyncDispose]: close,
    };
  },
};
