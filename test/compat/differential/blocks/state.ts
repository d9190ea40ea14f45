import type { Block, Case } from '../case.ts';

const JSON_BODIES: readonly unknown[] = [
  [{ key: 'text', value: 'v' }],
  [{ key: 'number', value: 42 }],
  [{ key: 'object', value: { a: [1, 2, { b: null }] } }],
  [{ key: 'null', value: null }],
  [{ key: 'absent' }],
  [{ key: 'false', value: false }],
  [{ key: 'unicode-ü', value: 'ü€𝄞' }],
  [
    { key: 'a', value: 1 },
    { key: 'b', value: 2 },
  ],
  [{ key: 'strong', value: 1, options: { consistency: 'strong', concurrency: 'last-write' } }],
  [{ key: 'ttl', value: 1, metadata: { ttlInSeconds: '60' } }],
  [{ key: 'typed', value: { a: 1 }, metadata: { contentType: 'application/json' } }],
  [],
];

const BAD_BODIES: readonly unknown[] = [
  '',
  '{',
  '{}',
  '[1]',
  'null',
  '"text"',
  [{ value: 1 }],
  [{ key: '', value: 1 }],
  [{ key: 'has||bars', value: 1 }],
  [{ key: 5, value: 1 }],
  [{ key: 'x', value: 1, metadata: { ttlInSeconds: 'soon' } }],
  [{ key: 'x', value: 1, metadata: { ttlInSeconds: '-5' } }],
  [{ key: 'x', value: 1, options: { concurrency: 'sometimes' } }],
  [{ key: 'x', value: 1, options: { consistency: 'sometimes' } }],
  [{ key: 'x', value: 1, etag: 'not-an-etag' }],
  [
    { key: 'x', value: 1, etag: 'not-an-etag' },
    { key: 'y', value: 1 },
  ],
];

const KEYS = ['text', 'number', 'object', 'null', 'absent', 'false', 'unicode-%C3%BC', 'a', 'none'];

const upsert = (key: string, value: unknown, more: object = {}) => ({
  operation: 'upsert',
  request: { key, value, ...more },
});
const remove = (key: string) => ({ operation: 'delete', request: { key } });

const TRANSACTIONS: readonly unknown[] = [
  { operations: [upsert('t1', 1), upsert('t2', { n: 2 })] },
  { operations: [remove('t1'), upsert('t2', 3)] },
  { operations: [] },
  { operations: [upsert('t3', 1, { metadata: { ttlInSeconds: '60' } })] },
  { operations: [upsert('t4', 1, { etag: 'wrong' })] },
  { operations: [{ operation: 'increment', request: { key: 't5', value: 1 } }] },
  { operations: [{ operation: 'upsert' }] },
  { operations: [{ request: { key: 't6', value: 1 } }] },
  { operations: 'all' },
  {},
  '[',
  '',
];

function httpCases(store: string): Case[] {
  const url = `/v1.0/state/${store}`;
  const get = (key: string, query = ''): Case => ({ verb: 'GET', path: `${url}/${key}${query}` });
  return [
    ...JSON_BODIES.map((body): Case => ({ verb: 'POST', path: url, body })),
    { verb: 'PUT', path: url, body: [{ key: 'put', value: 1 }] },
    ...KEYS.map((key) => get(key)),
    get('put'),
    get('text', '?consistency=strong'),
    get('text', '?consistency=never'),
    get('text', '?metadata.partitionKey=x'),
    get('ttl'),
    get('a%7C%7Cb'),
    ...BAD_BODIES.map((body): Case => ({ verb: 'POST', path: url, body, words: false })),
    // Etags: the right one, an old one, one of nobody.
    { verb: 'POST', path: url, body: [{ key: 'tag', value: 1 }] },
    get('tag'),
    { verb: 'POST', path: url, body: [{ key: 'tag', value: 2, etag: '{etag}' }] },
    { verb: 'POST', path: url, body: [{ key: 'tag', value: 3, etag: '{etag}' }] },
    { verb: 'DELETE', path: `${url}/tag`, headers: { 'if-match': '{etag}' } },
    get('tag'),
    { verb: 'DELETE', path: `${url}/tag`, headers: { 'if-match': '{etag}' } },
    { verb: 'DELETE', path: `${url}/tag`, headers: { 'if-match': '{etag}' } },
    get('tag'),
    {
      verb: 'POST',
      path: url,
      body: [{ key: 'first', value: 1, options: { concurrency: 'first-write' } }],
    },
    {
      verb: 'POST',
      path: url,
      body: [{ key: 'first', value: 2, options: { concurrency: 'first-write' } }],
    },
    { verb: 'DELETE', path: `${url}/none` },
    { verb: 'DELETE', path: `${url}/a?concurrency=first-write` },
    { verb: 'DELETE', path: `${url}/b?consistency=strong&concurrency=last-write` },
    { verb: 'DELETE', path: `${url}/number`, headers: { 'if-match': '' } },
    { verb: 'POST', path: `${url}/bulk`, body: { keys: ['text', 'none', 'object'] } },
    { verb: 'PUT', path: `${url}/bulk`, body: { keys: ['text'], parallelism: 1 } },
    { verb: 'POST', path: `${url}/bulk`, body: { keys: [] } },
    { verb: 'POST', path: `${url}/bulk`, body: {} },
    { verb: 'POST', path: `${url}/bulk`, body: { keys: ['text', 'text'] } },
    { verb: 'POST', path: `${url}/bulk`, body: '{"keys":', words: false },
    { verb: 'POST', path: `${url}/bulk`, body: { keys: 'text' }, words: false },
    ...TRANSACTIONS.map((body): Case => ({
      verb: 'POST',
      path: `${url}/transaction`,
      body,
      words: false,
    })),
    get('t1'),
    get('t2'),
    get('t4'),
    {
      verb: 'POST',
      path: `/v1.0-alpha1/state/${store}/query`,
      body: { filter: { EQ: { a: 1 } } },
      words: false,
    },
    { verb: 'PATCH', path: url, body: [] },
    { verb: 'GET', path: url },
    { verb: 'GET', path: `${url}/` },
    { verb: 'GET', path: `${url}/text/more` },
    { verb: 'HEAD', path: `${url}/text` },
    { verb: 'OPTIONS', path: `${url}/text` },
  ];
}

const UNKNOWN: readonly Case[] = [
  { verb: 'GET', path: '/v1.0/state/nowhere/k' },
  { verb: 'POST', path: '/v1.0/state/nowhere', body: [] },
  { verb: 'DELETE', path: '/v1.0/state/nowhere/k' },
  { verb: 'POST', path: '/v1.0/state/nowhere/bulk', body: { keys: ['a'] } },
  { verb: 'POST', path: '/v1.0/state/nowhere/transaction', body: { operations: [] } },
  { verb: 'POST', path: '/v1.0-alpha1/state/nowhere/query', body: {} },
];

const bytes = (text: string) => ({ bytes: text });

function grpcCases(storeName: string): Case[] {
  const save = (states: object[]): Case => ({ grpc: 'SaveState', request: { storeName, states } });
  const get = (key: string, more: object = {}): Case => ({
    grpc: 'GetState',
    request: { storeName, key, ...more },
  });
  return [
    save([{ key: 'g1', value: bytes('"v"') }]),
    save([{ key: 'g2', value: bytes('not json') }]),
    save([{ key: 'g3', value: bytes('{"a":1}'), metadata: { contentType: 'application/json' } }]),
    save([
      { key: 'g4', value: bytes('4') },
      { key: 'g5', value: bytes('5') },
    ]),
    save([]),
    save([{ key: '', value: bytes('1') }]),
    save([{ key: 'a||b', value: bytes('1') }]),
    save([{ key: 'g6', value: bytes('1'), metadata: { ttlInSeconds: 'soon' } }]),
    ...['g1', 'g2', 'g3', 'g4', 'none', ''].map((key) => get(key)),
    get('g1', { consistency: 1 }),
    save([{ key: 'g1', value: bytes('2'), etag: { value: 'wrong' } }]),
    get('g1'),
    save([{ key: 'g1', value: bytes('3'), etag: { value: '{etag}' } }]),
    save([{ key: 'g1', value: bytes('4'), etag: { value: '{etag}' } }]),
    { grpc: 'GetBulkState', request: { storeName, keys: ['g4', 'none'] } },
    { grpc: 'GetBulkState', request: { storeName, keys: [] } },
    { grpc: 'DeleteState', request: { storeName, key: 'g1', etag: { value: 'wrong' } } },
    { grpc: 'DeleteState', request: { storeName, key: 'g1' } },
    { grpc: 'DeleteState', request: { storeName, key: 'none' } },
    get('g1'),
    { grpc: 'DeleteBulkState', request: { storeName, states: [{ key: 'g4' }, { key: 'g5' }] } },
    get('g4'),
    {
      grpc: 'ExecuteStateTransaction',
      request: {
        storeName,
        operations: [
          { operationType: 'upsert', request: { key: 'g7', value: bytes('7') } },
          { operationType: 'delete', request: { key: 'g2' } },
        ],
      },
    },
    {
      grpc: 'ExecuteStateTransaction',
      request: { storeName, operations: [{ operationType: 'add', request: { key: 'g8' } }] },
    },
    { grpc: 'ExecuteStateTransaction', request: { storeName, operations: [] } },
    get('g7'),
    get('g2'),
    { grpc: 'QueryStateAlpha1', request: { storeName, query: '{}' }, words: false },
  ];
}

export const state: Block[] = [
  { name: 'state on SQLite over HTTP', cases: httpCases('store') },
  { name: 'state in memory over HTTP', cases: httpCases('memory') },
  { name: 'state in a store that is not there', cases: UNKNOWN },
  { name: 'state on SQLite over gRPC', cases: grpcCases('store') },
  { name: 'state in memory over gRPC', cases: grpcCases('memory') },
  {
    name: 'state over gRPC in a store that is not there',
    cases: ['GetState', 'SaveState', 'DeleteState', 'GetBulkState', 'DeleteBulkState'].map(
      (grpc): Case => ({ grpc, request: { storeName: 'nowhere' } }),
    ),
  },
];
