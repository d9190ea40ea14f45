import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { component } from '../index.ts';
import { openApi, type ApiFixture } from './api.fixture.ts';

let api: ApiFixture;
const state = '/v1.0/state/statestore';

beforeAll(async () => {
  api = await openApi({
    components: [
      component('statestore', 'state.in-memory', { actorStateStore: 'true' }),
      component('named', 'state.in-memory', { keyPrefix: 'name' }),
      component('pubsub', 'pubsub.in-memory'),
    ],
  });
});
afterAll(() => api[Symbol.asyncDispose]());

async function save(items: unknown, query = ''): Promise<number> {
  return (await api.send('POST', `${state}${query}`, { body: items })).status;
}

describe('a saved value', () => {
  it.each([
    ['an object', { a: [1, 'two', null, true] }],
    ['a string', 'plain'],
    ['a number', 42],
    ['null', null],
  ])('comes back as JSON with an etag: %s', async (name, value) => {
    expect(await save([{ key: name, value }])).toBe(204);
    const got = await api.send('GET', `${state}/${encodeURIComponent(name)}`);
    expect(got.status).toBe(200);
    expect(got.json).toEqual(value);
    expect(got.headers.get('content-type')).toBe('application/json');
    expect(got.headers.get('etag')).toBeTruthy();
  });

  it('may be given under names of any case, as Go reads them', async () => {
    expect(await save([{ Key: 'cased', VALUE: 1, key: 'exact' }])).toBe(204);
    const Operations = [{ operation: 'upsert', Request: { Key: 'cased', Value: 2 } }];
    const answer = await api.send('POST', `${state}/transaction`, { body: { Operations } });
    expect(answer.status).toBe(204);
    expect((await api.send('GET', `${state}/exact`)).json).toBe(1);
    expect((await api.send('GET', `${state}/cased`)).json).toBe(2);
  });

  it('that was never saved is 204 without a body', async () => {
    const got = await api.send('GET', `${state}/absent`);
    expect([got.status, got.text]).toEqual([204, '']);
  });

  it('tells when it expires', async () => {
    expect(await save([{ key: 'ttl', value: 1 }], '?metadata.ttlInSeconds=100')).toBe(204);
    const got = await api.send('GET', `${state}/ttl`);
    expect(got.headers.get('metadata.ttlExpireTime')).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  });

  it('is refused with a ttl that is no number', async () => {
    const answer = await api.send('POST', state, {
      body: [{ key: 'k', value: 1, metadata: { ttlInSeconds: 'soon' } }],
    });
    expect(answer.status).toBe(500);
    expect(answer.json).toMatchObject({ errorCode: 'ERR_STATE_SAVE' });
    expect(answer.text).toContain('soon');
  });

  it('is gone after DELETE, which may be repeated', async () => {
    await save([{ key: 'gone', value: 1 }]);
    expect((await api.send('DELETE', `${state}/gone`)).status).toBe(204);
    expect((await api.send('GET', `${state}/gone`)).status).toBe(204);
    expect((await api.send('DELETE', `${state}/gone`)).status).toBe(204);
  });

  it('is not shared between stores', async () => {
    await save([{ key: 'mine', value: 1 }]);
    expect((await api.send('GET', '/v1.0/state/named/mine')).status).toBe(204);
  });
});

describe('an etag', () => {
  it('that is old is a conflict for save and delete', async () => {
    await save([{ key: 'e', value: 1 }]);
    const { headers } = await api.send('GET', `${state}/e`);
    const etag = headers.get('etag')!;
    expect(await save([{ key: 'e', value: 2, etag }])).toBe(204);
    const late = await api.send('POST', state, { body: [{ key: 'e', value: 3, etag }] });
    expect(late.status).toBe(409);
    expect(late.json).toMatchObject({ errorCode: 'ERR_STATE_SAVE' });
    const gone = await api.send('DELETE', `${state}/e`, { headers: { 'if-match': etag } });
    expect(gone.status).toBe(409);
    expect(gone.json).toMatchObject({ errorCode: 'ERR_STATE_DELETE' });
    expect((await api.send('GET', `${state}/e`)).json).toBe(2);
  });

  it('is not needed for first-write, which takes only an absent key', async () => {
    const item = { key: 'first', value: 1, options: { concurrency: 'first-write' } };
    expect(await save([item])).toBe(204);
    expect(await save([item])).toBe(409);
  });
});

describe('bulk get', () => {
  it('answers in order, absent keys without data', async () => {
    await save([
      { key: 'b1', value: { n: 1 } },
      { key: 'b2', value: 2 },
    ]);
    const answer = await api.send('POST', `${state}/bulk`, { body: { keys: ['b2', 'no', 'b1'] } });
    expect(answer.status).toBe(200);
    expect(answer.json).toEqual([
      { key: 'b2', data: 2, etag: expect.any(String) },
      { key: 'no' },
      { key: 'b1', data: { n: 1 }, etag: expect.any(String) },
    ]);
  });

  it('of no keys is an empty list', async () => {
    expect((await api.send('POST', `${state}/bulk`, { body: { keys: [] } })).json).toEqual([]);
  });
});

describe('a transaction', () => {
  const path = `${state}/transaction`;

  it('writes and deletes together', async () => {
    await save([{ key: 't2', value: 0 }]);
    const answer = await api.send('POST', path, {
      body: {
        operations: [
          { operation: 'upsert', request: { key: 't1', value: 1 } },
          { operation: 'delete', request: { key: 't2' } },
        ],
      },
    });
    expect(answer.status).toBe(204);
    expect((await api.send('GET', `${state}/t1`)).json).toBe(1);
    expect((await api.send('GET', `${state}/t2`)).status).toBe(204);
  });

  it('with an old etag changes nothing', async () => {
    await save([{ key: 't3', value: 0 }]);
    const answer = await api.send('POST', path, {
      body: {
        operations: [
          { operation: 'upsert', request: { key: 't4', value: 1 } },
          { operation: 'upsert', request: { key: 't3', value: 1, etag: '999999' } },
        ],
      },
    });
    expect(answer.status).toBe(500);
    expect(answer.json).toMatchObject({ errorCode: 'ERR_STATE_TRANSACTION' });
    expect((await api.send('GET', `${state}/t4`)).status).toBe(204);
  });

  it('with an unknown operation is refused', async () => {
    const answer = await api.send('POST', path, {
      body: { operations: [{ operation: 'increment', request: { key: 'x' } }] },
    });
    expect(answer.status).toBe(400);
    expect(answer.json).toMatchObject({ errorCode: 'ERR_NOT_SUPPORTED_STATE_OPERATION' });
  });
});

describe('wrong input', () => {
  it.each([
    ['text that is not JSON', '{"key":'],
    ['an empty body', ''],
    ['an object instead of an array', '{}'],
    ['an item without a key', '[{"value":1}]'],
    ['a key that is a number', '[{"key":1}]'],
    ['bytes that are not UTF-8', new Uint8Array([0x5b, 0x22, 0xff, 0x22, 0x5d])],
  ])('is 400 ERR_MALFORMED_REQUEST: %s', async (_what, body) => {
    const answer = await api.send('POST', state, { body });
    expect(answer.status).toBe(400);
    expect(answer.json).toMatchObject({ errorCode: 'ERR_MALFORMED_REQUEST' });
  });

  it('of a key with the separator is refused in the rich form', async () => {
    const answer = await api.send('GET', `${state}/a%7C%7Cb`);
    expect(answer.status).toBe(400);
    expect(answer.json).toMatchObject({
      errorCode: 'ERR_MALFORMED_REQUEST',
      details: expect.arrayContaining([
        expect.objectContaining({
          '@type': 'type.googleapis.com/google.rpc.ErrorInfo',
          domain: 'dapr.io',
          reason: 'DAPR_STATE_ILLEGAL_KEY',
        }),
        expect.objectContaining({ resource_type: 'state', resource_name: 'statestore' }),
      ]),
    });
  });

  it('of an unknown store names the store', async () => {
    const answer = await api.send('GET', '/v1.0/state/nowhere/k');
    expect(answer.status).toBe(400);
    expect(answer.json).toEqual({
      errorCode: 'ERR_STATE_STORE_NOT_FOUND',
      message: 'state store nowhere is not found',
      details: [
        {
          '@type': 'type.googleapis.com/google.rpc.ErrorInfo',
          domain: 'dapr.io',
          metadata: { appID: 'shop' },
          reason: 'DAPR_STATE_NOT_FOUND',
        },
      ],
    });
  });

  it('of a query is refused as by a store that cannot query', async () => {
    const answer = await api.send('POST', '/v1.0-alpha1/state/statestore/query', { body: {} });
    expect(answer.status).toBe(500);
    expect(answer.json).toMatchObject({
      errorCode: 'ERR_STATE_STORE_NOT_SUPPORTED',
      message: 'state store does not support querying',
    });
  });
});
