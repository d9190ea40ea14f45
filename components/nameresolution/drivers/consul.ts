/**
 * `nameresolution.consul`: hosts in the catalogue of a Consul agent, by its HTTP
 * API and with Dapr's configuration. The port of a host is in its metadata, as
 * daprd puts it there. Only services whose checks pass are answered; Consul
 * runs the checks, so a host that fails goes and comes back with them.
 */
import { ComponentError } from '../../../runtime/core/errors.ts';
import type { ComponentOptions, Driver, MetadataField } from '../../component.ts';
import { readMetadata } from '../../metadata.ts';
import { Balancer } from '../balancer.ts';
import type { HostAddress, HostInstance, NameResolver } from '../contract.ts';
import { notFound } from '../not-found.ts';

const fields: readonly MetadataField[] = [
  {
    name: 'client',
    description:
      'The agent: `address` (default `127.0.0.1:8500`), `scheme` (default `http`), `datacenter`, `token`.',
  },
  {
    name: 'selfRegister',
    description: '`true`: this host is registered; otherwise others do that. Default `false`.',
  },
  {
    name: 'selfDeregister',
    description: '`true`: the registration ends with the host. Default `false`.',
  },
  {
    name: 'checks',
    description:
      "Health checks of the registration, as Consul's agent takes them. Default: one that connects to the internal port every 15 s.",
  },
  { name: 'tags', description: 'Tags of the registration, a list. Default: none.' },
  { name: 'meta', description: 'Metadata of the registration. Default: none.' },
  {
    name: 'queryOptions',
    description: 'Of look-ups: `datacenter`, `near`, `filter`, `token`. Default: none.',
  },
  {
    name: 'daprPortMetaKey',
    description: 'Key of the metadata that has the internal port. Default `DAPR_PORT`.',
  },
];

const TIMEOUT_MS = 5_000;

type Json = Readonly<Record<string, unknown>>;

interface Settings {
  readonly base: string;
  readonly datacenter: string | undefined;
  readonly token: string | undefined;
  readonly selfRegister: boolean;
  readonly selfDeregister: boolean;
  readonly checks: readonly unknown[];
  readonly tags: readonly unknown[];
  readonly meta: Json;
  readonly query: Readonly<Record<string, string>>;
  readonly portKey: string;
}

function readSettings(options: ComponentOptions): Settings {
  const metadata = readMetadata(options, fields);
  function parsed(name: string): unknown {
    const text = metadata.text(name);
    if (text === undefined) return undefined;
    try {
      return JSON.parse(text) as unknown;
    } catch {
      throw metadata.refuse(name, 'is not what it should be; write it as YAML or JSON');
    }
  }
  /** Texts by the names that are known, which Dapr reads without regard to case. */
  function texts<K extends string>(name: string, known: readonly K[]): { [N in K]?: string } {
    const value = parsed(name) ?? {};
    const found: { [N in K]?: string } = {};
    for (const [key, text] of Object.entries(value as object)) {
      const own = known.find((one) => one.toLowerCase() === key.toLowerCase());
      if (!own) throw metadata.refuse(name, `has "${key}"; known: ${known.join(', ')}`);
      found[own] = String(text);
    }
    return found;
  }
  function list(name: string): readonly unknown[] {
    const value = parsed(name) ?? [];
    if (Array.isArray(value)) return value;
    throw metadata.refuse(name, 'must be a list');
  }
  const client = texts('client', ['address', 'scheme', 'datacenter', 'token']);
  const address = client.address ?? '127.0.0.1:8500';
  const base = `${client.scheme ?? 'http'}://${address.replace(/^https?:\/\//, '')}`;
  if (!URL.canParse(base)) throw metadata.refuse('client', 'has an address that is none');
  const { datacenter, near, filter, token } = texts('queryOptions', [
    'datacenter',
    'near',
    'filter',
    'token',
  ]);
  return {
    base,
    datacenter: client.datacenter,
    token: token ?? client.token,
    selfRegister: metadata.boolean('selfRegister') ?? false,
    selfDeregister: metadata.boolean('selfDeregister') ?? false,
    checks: list('checks'),
    tags: list('tags'),
    meta: (parsed('meta') ?? {}) as Json,
    query: {
      ...(datacenter === undefined ? {} : { dc: datacenter }),
      ...(near === undefined ? {} : { near }),
      ...(filter === undefined ? {} : { filter }),
    },
    portKey: metadata.text('daprPortMetaKey') ?? 'DAPR_PORT',
  };
}

interface Entry {
  readonly Node?: { readonly Address?: string };
  readonly Service: {
    readonly ID: string;
    readonly Address?: string;
    readonly Meta?: Readonly<Record<string, string>> | null;
  };
}

async function openResolver(options: ComponentOptions, signal: AbortSignal): Promise<NameResolver> {
  const settings = readSettings(options);
  const balancer = new Balancer<HostAddress & { readonly id: string }>('roundRobin');
  let registered: string | undefined;
  let isRegistered = false;
  let isClosed = false;

  function requireOpen(): void {
    if (isClosed) throw new ComponentError(options, 'is closed; create it again to use it');
  }

  async function call(
    method: 'GET' | 'PUT',
    path: string,
    {
      query = {},
      body,
      abort,
    }: { query?: Readonly<Record<string, string>>; body?: object; abort?: AbortSignal } = {},
  ): Promise<unknown> {
    const url = new URL(path, settings.base);
    const { datacenter, token } = settings;
    if (datacenter !== undefined) url.searchParams.set('dc', datacenter);
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
    let answer: Response;
    try {
      answer = await fetch(url, {
        method,
        headers: {
          ...(token === undefined ? {} : { 'x-consul-token': token }),
          ...(body ? { 'content-type': 'application/json' } : {}),
        },
        ...(body ? { body: JSON.stringify(body) } : {}),
        signal: AbortSignal.any([AbortSignal.timeout(TIMEOUT_MS), ...(abort ? [abort] : [])]),
      });
    } catch (cause) {
      if (abort?.aborted)
        throw new ComponentError(options, 'was cancelled', { code: 'CANCELLED', cause });
      throw new ComponentError(options, `cannot reach consul at ${settings.base}`, {
        code: 'UNAVAILABLE',
        cause,
      });
    }
    const text = await answer.text();
    if (answer.ok) return text === '' ? undefined : (JSON.parse(text) as unknown);
    const code = answer.status >= 500 ? 'UNAVAILABLE' : 'COMPONENT';
    throw new ComponentError(options, `consul answered ${answer.status}: ${text.trim()}`, { code });
  }

  async function register({ appId, host, port }: HostInstance): Promise<void> {
    const id = `${appId}-${host}-${port}`;
    const own = { Name: 'Dapr Health Status', CheckID: `daprHealth:${id}`, Interval: '15s' };
    const address = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
    const body = {
      ...{ ID: id, Name: appId, Address: host, Port: port, Tags: settings.tags },
      Meta: { ...settings.meta, [settings.portKey]: String(port) },
      Checks: settings.checks.length > 0 ? settings.checks : [{ ...own, TCP: address }],
    };
    await call('PUT', '/v1/agent/service/register', { body });
    registered = id;
  }

  function hostOf({ Node, Service }: Entry): (HostAddress & { id: string })[] {
    const host = Service.Address || Node?.Address;
    const port = Number(Service.Meta?.[settings.portKey]);
    return host && port > 0 ? [{ id: Service.ID, host, port }] : [];
  }

  await call('GET', '/v1/agent/self', { abort: signal });

  async function close(): Promise<void> {
    if (isClosed) return;
    isClosed = true;
    if (registered === undefined || !settings.selfDeregister) return;
    try {
      await call('PUT', `/v1/agent/service/deregister/${encodeURIComponent(registered)}`);
    } catch (cause) {
      options.logger.warn({ component: options.name, cause }, 'the registration is left in consul');
    }
  }

  return {
    features: [],
    async register(instance) {
      requireOpen();
      if (isRegistered)
        throw new ComponentError(options, `"${instance.appId}" is registered already`);
      isRegistered = true;
      if (!settings.selfRegister) return;
      try {
        await register(instance);
      } catch (error) {
        isRegistered = false;
        throw error;
      }
    },
    async resolve({ appId }, { signal: abort } = {}) {
      requireOpen();
      const found = (await call('GET', `/v1/health/service/${encodeURIComponent(appId)}`, {
        query: { ...settings.query, passing: 'true' },
        ...(abort ? { abort } : {}),
      })) as readonly Entry[];
      const picked = balancer.pick(found.flatMap(hostOf));
      picked?.release();
      if (!picked) throw notFound(appId);
      return { host: picked.instance.host, port: picked.instance.port };
    },
    async ping() {
      requireOpen();
      await call('GET', '/v1/agent/self');
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

export const driver: Driver<NameResolver> = {
  fields,
  create: (options, { signal }) => openResolver(options, signal),
};
