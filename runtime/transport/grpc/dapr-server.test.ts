import { CommunicationProtocolEnum, DaprClient } from '@dapr/dapr';
import type { Metadata } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createApi } from '../../api/index.ts';
import { DAPR_SERVICE, daprMethods } from './dapr-methods.ts';
import { openGrpc, protos, type GrpcFixture } from './grpc.fixture.ts';
import { decodeDetails } from './status-details.ts';

let api: GrpcFixture;
beforeAll(async () => {
  api = await openGrpc();
});
afterAll(() => api[Symbol.asyncDispose]());

/** Types of the details that came with a status. */
function detailsOf(trailers: { get(name: string): unknown[] }): string[] {
  const [bytes] = trailers.get('grpc-status-details-bin') as Buffer[];
  return bytes ? decodeDetails(bytes).map(({ typeUrl }) => typeUrl.split('.').at(-1)!) : [];
}

describe('state over gRPC', () => {
  const value = Buffer.from('{"a":1}');

  it('saves, gives back with an etag, and deletes', async () => {
    const saved = await api.call('SaveState', {
      storeName: 'statestore',
      states: [{ key: 'one', value }],
    });
    expect(saved.code).toBe(0);
    const { reply } = await api.call('GetState', { storeName: 'statestore', key: 'one' });
    expect(String(reply['data'])).toBe('{"a":1}');
    expect(reply['etag']).not.toBe('');
    await api.call('DeleteState', { storeName: 'statestore', key: 'one' });
    const gone = await api.call('GetState', { storeName: 'statestore', key: 'one' });
    expect(gone).toMatchObject({ code: 0, reply: { data: Buffer.alloc(0), etag: '' } });
  });

  it('refuses an etag that does not hold with ABORTED', async () => {
    await api.call('SaveState', { storeName: 'statestore', states: [{ key: 'two', value }] });
    const outcome = await api.call('SaveState', {
      storeName: 'statestore',
      states: [{ key: 'two', value, etag: { value: '999' } }],
    });
    expect(outcome.code).toBe(10);
    expect(outcome.message).toContain('possible etag mismatch');
  });

  it('names an unknown store with Dapr’s rich details', async () => {
    const outcome = await api.call('GetState', { storeName: 'nope', key: 'k' });
    expect(outcome).toMatchObject({ code: 3, message: 'state store nope is not found' });
    expect(detailsOf(outcome.trailers)).toEqual(['ErrorInfo']);
  });

  it('does a transaction, reads in bulk and deletes in bulk', async () => {
    const upsert = (key: string): object => ({ operationType: 'upsert', request: { key, value } });
    const outcome = await api.call('ExecuteStateTransaction', {
      storeName: 'statestore',
      operations: [upsert('t1'), upsert('t2'), { operationType: 'delete', request: { key: 't1' } }],
    });
    expect(outcome.code).toBe(0);
    const bulk = await api.call('GetBulkState', { storeName: 'statestore', keys: ['t1', 't2'] });
    expect(bulk.reply['items']).toMatchObject([{ key: 't1' }, { key: 't2', data: value }]);
    await api.call('DeleteBulkState', { storeName: 'statestore', states: [{ key: 't2' }] });
    const after = await api.call('GetState', { storeName: 'statestore', key: 't2' });
    expect(after.reply['data']).toHaveLength(0);
  });

  it('refuses an operation it does not know, and queries', async () => {
    const unknown = await api.call('ExecuteStateTransaction', {
      storeName: 'statestore',
      operations: [{ operationType: 'merge', request: { key: 'x' } }],
    });
    expect(unknown).toMatchObject({ code: 12, message: 'operation type merge not supported' });
    const query = await api.call('QueryStateAlpha1', { storeName: 'statestore', query: '{}' });
    expect(query.code).toBe(13);
  });
});

describe('actors over gRPC', () => {
  const actor = { actorType: 'Counter', actorId: 'g-1' };

  it('calls a method with JSON and gets JSON', async () => {
    const outcome = await api.call('InvokeActor', {
      ...actor,
      method: 'add',
      data: Buffer.from('2'),
    });
    expect(String(outcome.reply['data'])).toBe('2');
    const state = await api.call('GetActorState', { ...actor, key: 'count' });
    expect(String(state.reply['data'])).toBe('2');
  });

  it('tells an unknown type, an unknown method and an application’s error apart', async () => {
    const none = await api.call('InvokeActor', { actorType: 'X', actorId: '1', method: 'm' });
    expect(none.code).toBe(9);
    expect(none.message).toContain("did not find address for actor 'X||1'");
    const method = await api.call('InvokeActor', { ...actor, method: 'fly' });
    expect(method.code).toBe(5);
    const refused = await api.call('InvokeActor', { ...actor, method: 'refuse' });
    expect(refused.message).toBe('none left of 85123A');
    expect(detailsOf(refused.trailers)).toEqual(['ErrorInfo']);
    const crashed = await api.call('InvokeActor', { ...actor, method: 'crash' });
    expect(crashed.code).toBe(13);
    expect(crashed.message).not.toContain('secret');
  });

  it('changes state in a transaction, and refuses what is no JSON', async () => {
    const change = (value: string): Promise<{ code: number }> =>
      api.call('ExecuteActorStateTransaction', {
        ...actor,
        operations: [
          { operationType: 'upsert', key: 'note', value: { value: Buffer.from(value) } },
        ],
      });
    await api.call('InvokeActor', { ...actor, method: 'get' });
    expect((await change('"hello"')).code).toBe(0);
    expect((await change('{')).code).toBe(3);
    const { reply } = await api.call('GetActorState', { ...actor, key: 'note' });
    expect(String(reply['data'])).toBe('"hello"');
  });

  it('keeps reminders, their data as base64: registers, gets, lists and deletes by type', async () => {
    const reminder = { ...actor, name: 'r', dueTime: '1h', period: '10s', data: Buffer.from('7') };
    const failurePolicy = { constant: { interval: { seconds: 3 }, maxRetries: 2 } };
    const registered = await api.call('RegisterActorReminder', { ...reminder, failurePolicy });
    expect(registered.code).toBe(0);
    const again = await api.call('RegisterActorReminder', { ...reminder, overwrite: false });
    expect(again.code).toBe(6);
    const found = await api.call('GetActorReminder', { ...actor, name: 'r' });
    expect(found.reply).toMatchObject({
      actorType: 'Counter',
      actorId: 'g-1',
      period: '@every 10s',
    });
    expect(String((found.reply['data'] as { value: Buffer }).value)).toContain('"Nw=="');
    const listed = await api.call('ListActorReminders', { actorType: 'Counter' });
    expect(listed.reply['reminders']).toMatchObject([{ name: 'r' }]);
    await api.call('UnregisterActorRemindersByType', { actorType: 'Counter' });
    const gone = await api.call('GetActorReminder', { ...actor, name: 'r' });
    expect(gone.code).toBe(5);
  });
});

describe('InvokeService', () => {
  it('gives the app’s answer with its headers, and its HTTP status as a code and a header', async () => {
    await using shop = await openGrpc({
      invocations: {
        'orders/list': async (request) =>
          new Response(`${request.method} ${new URL(request.url).search} ${await request.text()}`, {
            headers: { 'content-type': 'text/plain', 'x-app': 'yes' },
          }),
        gone: () => new Response('no such order', { status: 404 }),
      },
    });
    const invoke = (
      message: object,
    ): Promise<{
      code: number;
      message: string;
      reply: Record<string, unknown>;
      headers: Metadata;
    }> => shop.call('InvokeService', { id: 'shop', message });
    const answer = await invoke({
      method: 'orders/list',
      data: { value: Buffer.from('body') },
      contentType: 'text/plain',
      httpExtension: { verb: 4, querystring: 'page=2' },
    });
    expect(answer.code).toBe(0);
    expect((answer.reply['data'] as { value: Buffer }).value.toString()).toBe('PUT ?page=2 body');
    expect(answer.reply['contentType']).toBe('text/plain');
    expect(answer.headers.get('x-app')).toEqual(['yes']);
    expect(answer.headers.get('dapr-http-status')).toEqual(['200']);
    expect(await invoke({ method: 'gone' })).toMatchObject({ code: 5, message: 'Not Found' });
    expect((await invoke({ method: '' })).code).toBe(5);
    const other = await shop.call('InvokeService', { id: 'nobody', message: { method: 'x' } });
    expect(other).toMatchObject({ code: 13 });
    expect(other.message).toContain("couldn't find service: nobody");
  });
});

describe('the rest of the Dapr service', () => {
  it('publishes to subscribers of this process', async () => {
    const seen: unknown[] = [];
    await using _subscription = await api.system.subscribe({ topic: 'news' }, async (event) => {
      seen.push(event.data);
    });
    const outcome = await api.call('PublishEvent', {
      pubsubName: 'pubsub',
      topic: 'news',
      data: Buffer.from('{"n":1}'),
      dataContentType: 'application/json',
    });
    expect(outcome.code).toBe(0);
    await expect.poll(() => seen).toEqual([{ n: 1 }]);
    const bulk = await api.call('BulkPublishEvent', {
      pubsubName: 'pubsub',
      topic: 'news',
      entries: [
        { entryId: '1', event: Buffer.from('2'), contentType: 'application/json' },
        { entryId: '1', event: Buffer.from('3'), contentType: 'application/json' },
      ],
    });
    expect(bulk.code).toBe(3);
    const nowhere = await api.call('PublishEvent', { pubsubName: 'x', topic: 'news' });
    expect(detailsOf(nowhere.trailers)).toEqual(['ErrorInfo']);
  });

  it('tells its metadata and takes labels', async () => {
    await api.call('SetMetadata', { key: 'team', value: 'blue' });
    const { reply } = await api.call('GetMetadata', {});
    expect(reply).toMatchObject({
      id: 'shop',
      extendedMetadata: { team: 'blue' },
      actorRuntime: { runtimeStatus: 2, hostReady: true },
    });
    expect(reply['registeredComponents']).toMatchObject([
      { name: 'statestore' },
      { name: 'pubsub' },
    ]);
  });

  it('refuses workflows by name, and shutdown of a program’s own system', async () => {
    const workflow = await api.call('StartWorkflowBeta1', {});
    expect(workflow.code).toBe(12);
    expect(workflow.message).toContain('no workflows');
    expect((await api.call('Shutdown', {})).code).toBe(12);
  });

  it('serves the official JavaScript client', async () => {
    const [host, port] = api.address.split(':') as [string, string];
    const client = new DaprClient({
      daprHost: host,
      daprPort: port,
      communicationProtocol: CommunicationProtocolEnum.GRPC,
    });
    await client.state.save('statestore', [{ key: 'js', value: { from: 'sdk' } }]);
    expect(await client.state.get('statestore', 'js')).toEqual({ from: 'sdk' });
    const metadata = await client.metadata.get();
    expect(metadata.id).toBe('shop');
    await client.stop();
  });
});

it('has a row for every method of the proto', () => {
  const none = new Map<string, never>();
  const unused = createApi({
    appId: 'unused',
    runtimeVersion: '0',
    stateStores: none,
    pubsubs: none,
    components: [],
    now: () => 0,
    logger: { debug() {}, info() {}, warn() {}, error() {} },
  });
  const rows = new Set(daprMethods({ api: unused, maxBytes: 1 }).map(({ name }) => name));
  const missing = protos.methods(DAPR_SERVICE).filter((name) => !rows.has(name));
  expect(missing).toEqual([]);
});
