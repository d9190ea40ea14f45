/**
 * The registry of services over HTTP, Troupe's own: services that are no hosts
 * register, give signs, are listed, watched and looked up. What keeps them and
 * checks on them is a name resolution component, opened by the first request.
 */
import type {
  ServiceRegistration,
  ServiceRegistry,
} from '../../components/nameresolution/contract.ts';
import { isTroupeError, TroupeError } from '../core/errors.ts';
import { parseDuration } from '../core/schedule.ts';
import { ApiError } from './api-error.ts';
import {
  empty,
  isObject,
  json,
  jsonOf,
  malformed,
  queryOf,
  type HttpRequest,
  type HttpResponse,
  type HttpRoute,
} from './route.ts';

const DEFAULT_INTERVAL_MS = 10_000;
const LEAST_INTERVAL_MS = 1_000;
const LONGEST_INTERVAL_MS = 3_600_000;
const LONGEST_WAIT_MS = 300_000;
const MAX_TEXT = 256;
const MAX_URL = 2_048;

export interface ServicesApi {
  readonly routes: readonly HttpRoute[];
  /** Answers those who watch. Idempotent. */
  close(): void;
}

export interface ServicesOptions {
  /** What keeps the services; asked for when a request needs it. Absent: the routes are not there. */
  readonly services?: (() => Promise<ServiceRegistry>) | undefined;
}

/** Errors of the registry by the rows of its own. */
function translated(error: unknown): unknown {
  if (!isTroupeError(error)) return error;
  const { code, message, cause } = error;
  if (code === 'NOT_FOUND') return new ApiError('SERVICE_NOT_FOUND', message, { cause });
  if (code === 'OVERLOADED') return new ApiError('SERVICES_FULL', message, { cause });
  return error;
}

function textIn(value: unknown, name: string, longest = MAX_TEXT): string {
  if (typeof value === 'string' && value !== '' && value.length <= longest) return value;
  throw malformed(`service.${name} must be a text of 1 to ${longest} characters`);
}

function checkOf(value: unknown, address: string, port: number): ServiceRegistration['check'] {
  if (value === undefined || value === null) return undefined;
  if (!isObject(value)) throw malformed('service.check must be an object');
  const { http, interval = DEFAULT_INTERVAL_MS } = value;
  const own = `http://${address.includes(':') ? `[${address}]` : address}:${port}`;
  const text = textIn(http, 'check.http', MAX_URL);
  const url = URL.parse(text, own);
  if (!url || !['http:', 'https:'].includes(url.protocol))
    throw malformed('service.check.http must be an http or https URL, or a path');
  // Otherwise whoever registers could have this host ask anything that it can reach.
  if (url.hostname.replace(/^\[|\]$/g, '') !== address.toLowerCase())
    throw malformed(`service.check.http must be at the address of the service, "${address}"`);
  if (typeof interval !== 'string' && typeof interval !== 'number')
    throw malformed('service.check.interval must be a duration such as "10s"');
  const intervalMs = parseDuration(interval, 'service.check.interval');
  if (intervalMs < LEAST_INTERVAL_MS || intervalMs > LONGEST_INTERVAL_MS)
    throw malformed('service.check.interval must be from 1s to 1h');
  return { http: url.href, intervalMs };
}

function serviceIn(body: Uint8Array): ServiceRegistration {
  const sent = jsonOf(body);
  if (!isObject(sent) || !isObject(sent['service']))
    throw malformed('the body must be {"service": {name, id, address, port, check}}');
  const { service } = sent;
  const port = service['port'];
  if (typeof port !== 'number' || !Number.isInteger(port) || port < 1 || port > 65_535)
    throw malformed('service.port must be a whole number from 1 to 65535');
  const name = textIn(service['name'], 'name');
  const id = textIn(service['id'], 'id');
  const address = textIn(service['address'], 'address');
  if (!URL.canParse(`http://${address.includes(':') ? `[${address}]` : address}`))
    throw malformed('service.address must be a host name or an IP address');
  const check = checkOf(service['check'], address, port);
  return { name, id, address, port, ...(check ? { check } : {}) };
}

/** Services by the query: of a `name`, only those that pass, or those at a revision that is still to come. */
async function list(
  services: ServiceRegistry,
  { query, signal }: HttpRequest,
  closing: AbortSignal,
): Promise<HttpResponse> {
  const known = queryOf(query, 'revision');
  if (known !== undefined) {
    if (!/^\d{1,15}$/.test(known)) throw malformedQuery('revision must be a whole number');
    const waitMs = parseDuration(queryOf(query, 'wait') ?? '60s', 'wait');
    if (waitMs > LONGEST_WAIT_MS) throw malformedQuery('wait must be at most 5m');
    const ends = AbortSignal.any([signal, closing]);
    // A revision of the future is of a registry that was here before: all it had is gone.
    const revision = Math.min(Number(known), services.revision());
    if (revision === Number(known)) await services.changed(revision, { waitMs, signal: ends });
  }
  const isPassing = queryOf(query, 'passing') === 'true';
  const shown = services
    .list(queryOf(query, 'name'))
    .filter(({ status }) => !isPassing || status === 'passing')
    .map(({ name, id, address, port, check, status }) => ({
      ...{ name, id, address, port, status },
      ...(check ? { check: { http: check.http, interval: `${check.intervalMs}ms` } } : {}),
    }));
  return json({ revision: services.revision(), services: shown });
}

const malformedQuery = (why: string): TroupeError => new TroupeError('INVALID_ARGUMENT', why);

export function createServicesApi({ services: open }: ServicesOptions): ServicesApi {
  const closing = new AbortController();
  if (!open) return { routes: [], close() {} };

  const row = (
    methods: readonly string[],
    path: string,
    handle: (
      services: ServiceRegistry,
      request: HttpRequest,
    ) => HttpResponse | Promise<HttpResponse>,
  ): HttpRoute => ({
    methods,
    pattern: `v1.0-troupe/registry/services${path}`,
    async handle(request) {
      try {
        return await handle(await open(), request);
      } catch (error) {
        throw translated(error);
      }
    },
  });

  return {
    routes: [
      row(['PUT', 'POST'], '', (services, { body }) => {
        services.register(serviceIn(body));
        return empty();
      }),
      row(['GET'], '', (services, request) => list(services, request, closing.signal)),
      row(['PUT', 'POST'], '/{id}/heartbeat', (services, { params }) => {
        services.heartbeat(params[0]!);
        return empty();
      }),
      row(['DELETE'], '/{id}', (services, { params }) => {
        services.deregister(params[0]!);
        return empty();
      }),
    ],
    close: () => closing.abort(),
  };
}
