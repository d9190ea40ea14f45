/** HTTP rows of the state block: JSON bodies in and out, by Dapr's state API reference. */
import { ApiError } from './api-error.ts';
import {
  empty,
  headerOf,
  isObject,
  jsonOf,
  malformed,
  membersOf,
  metadataOf,
  queryOf,
  textOf,
  textsOf,
  type HttpRequest,
  type HttpResponse,
  type HttpRoute,
} from './route.ts';
import type { DeleteItem, SaveItem, StateApi, TransactionItem } from './state.ts';

const ITEM = ['key', 'value', 'etag', 'metadata', 'options'];
const OPTIONS = ['concurrency', 'consistency'];

const decoder = new TextDecoder('utf-8', { fatal: true });

function membersOfItem(value: unknown, what: string): Readonly<Record<string, unknown>> {
  if (!isObject(value)) throw malformed(`${what} must be an object`);
  return membersOf(value, ITEM);
}

function itemOf(
  item: Readonly<Record<string, unknown>>,
  what: string,
  query: Readonly<Record<string, string>>,
): DeleteItem {
  const key = textOf(item['key'], `${what}.key`);
  if (!key) throw new ApiError('MALFORMED_REQUEST', '"key" is a required field');
  const given = item['options'] ?? {};
  if (!isObject(given)) throw malformed(`${what}.options must be an object`);
  const options = membersOf(given, OPTIONS);
  const own = textsOf(item['metadata'], `${what}.metadata`);
  return {
    key,
    etag: textOf(item['etag'], `${what}.etag`),
    metadata: own ? { ...own, ...query } : query,
    concurrency: textOf(options['concurrency'], `${what}.options.concurrency`),
    consistency: textOf(options['consistency'], `${what}.options.consistency`),
  };
}

function saveItemOf(
  value: unknown,
  what: string,
  query: Readonly<Record<string, string>>,
): SaveItem {
  const item = membersOfItem(value, what);
  return { ...itemOf(item, what, query), value: JSON.stringify(item['value'] ?? null) };
}

function transactionItemOf(
  operation: unknown,
  index: number,
  query: Readonly<Record<string, string>>,
): TransactionItem {
  const what = `operations[${index}]`;
  if (!isObject(operation)) throw malformed(`${what} must be an object`);
  const { operation: kind, request } = membersOf(operation, ['operation', 'request']);
  if (kind === 'upsert') {
    return { operation: 'upsert', ...saveItemOf(request, `${what}.request`, query) };
  }
  if (kind === 'delete') {
    const item = membersOfItem(request, `${what}.request`);
    return { operation: 'delete', ...itemOf(item, `${what}.request`, query) };
  }
  throw new ApiError(
    'STATE_OPERATION_NOT_SUPPORTED',
    `operation type ${typeof kind === 'string' ? kind : ''} not supported`,
  );
}

async function get(api: StateApi, request: HttpRequest): Promise<HttpResponse> {
  const [store, key] = request.params as [string, string];
  const { data, etag, metadata } = await api.get(store, key, request);
  if (!data) return empty();
  const headers: Record<string, string> = {};
  if (etag !== undefined) headers['etag'] = etag;
  for (const [name, value] of Object.entries(metadata)) headers[`metadata.${name}`] = value;
  return { status: 200, body: data, headers };
}

async function save(api: StateApi, request: HttpRequest): Promise<HttpResponse> {
  const [store] = request.params as [string];
  api.require(store);
  const body = jsonOf(request.body) ?? [];
  if (!Array.isArray(body)) throw malformed('the body must be an array of {key, value} objects');
  const query = metadataOf(request.query);
  const items = body.map((item, index) => saveItemOf(item, `[${index}]`, query));
  await api.save(store, items, request);
  return empty();
}

async function remove(api: StateApi, request: HttpRequest): Promise<HttpResponse> {
  const [store, key] = request.params as [string, string];
  await api.delete(
    store,
    {
      key,
      etag: headerOf(request.headers, 'if-match'),
      metadata: metadataOf(request.query),
      concurrency: queryOf(request.query, 'concurrency'),
      consistency: queryOf(request.query, 'consistency'),
    },
    request,
  );
  return empty();
}

/** JSON text of a value that may be bytes; undefined when the bytes are no JSON. */
function jsonText(value: string | Uint8Array): string | undefined {
  if (typeof value === 'string') return value;
  try {
    const text = decoder.decode(value);
    JSON.parse(text);
    return text;
  } catch {
    return undefined;
  }
}

async function getBulk(api: StateApi, request: HttpRequest): Promise<HttpResponse> {
  const [store] = request.params as [string];
  api.require(store);
  const given = jsonOf(request.body);
  if (!isObject(given)) throw malformed('the body must be an object with "keys"');
  const body = membersOf(given, ['keys', 'metadata', 'parallelism']);
  const keys = body['keys'] ?? [];
  if (!Array.isArray(keys) || !keys.every((key) => typeof key === 'string')) {
    throw malformed('"keys" must be an array of strings');
  }
  textsOf(body['metadata'], 'metadata');
  const items = await api.getBulk(store, keys, request);
  // The values are JSON text already; putting them together as text keeps them to the digit.
  const parts = items.map(({ key, value, etag, metadata }) => {
    const data = value === undefined ? undefined : jsonText(value);
    const rest = JSON.stringify({
      ...(etag === undefined ? {} : { etag }),
      ...(Object.keys(metadata).length === 0 ? {} : { metadata }),
      ...(value !== undefined && data === undefined
        ? { error: 'the value is not JSON; read it with GET of the single key' }
        : {}),
    });
    const tail = rest === '{}' ? '}' : `,${rest.slice(1)}`;
    return `{"key":${JSON.stringify(key)}${data === undefined ? '' : `,"data":${data}`}${tail}`;
  });
  return { status: 200, body: `[${parts.join(',')}]` };
}

async function transact(api: StateApi, request: HttpRequest): Promise<HttpResponse> {
  const [store] = request.params as [string];
  api.require(store);
  const given = jsonOf(request.body);
  if (!isObject(given)) throw malformed('the body must be an object with "operations"');
  const body = membersOf(given, ['operations', 'metadata']);
  const operations = body['operations'] ?? [];
  if (!Array.isArray(operations)) throw malformed('"operations" must be an array');
  textsOf(body['metadata'], 'metadata');
  const query = metadataOf(request.query);
  const items = operations.map((operation, index) => transactionItemOf(operation, index, query));
  await api.transact(store, items, request);
  return empty();
}

export function stateRoutes(api: StateApi): HttpRoute[] {
  const write = ['POST', 'PUT'];
  return [
    { methods: ['GET'], pattern: 'v1.0/state/{store}/{key}', handle: (r) => get(api, r) },
    { methods: ['DELETE'], pattern: 'v1.0/state/{store}/{key}', handle: (r) => remove(api, r) },
    { methods: write, pattern: 'v1.0/state/{store}', handle: (r) => save(api, r) },
    { methods: write, pattern: 'v1.0/state/{store}/bulk', handle: (r) => getBulk(api, r) },
    { methods: write, pattern: 'v1.0/state/{store}/transaction', handle: (r) => transact(api, r) },
    {
      methods: write,
      pattern: 'v1.0-alpha1/state/{store}/query',
      handle: ({ params }) => api.query(params[0]!),
    },
  ];
}
