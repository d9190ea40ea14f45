import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { component } from '../../index.ts';
import { openApp, type AppFixture } from '../app.fixture.ts';
import { DAPR_SERVICE } from './dapr-methods.ts';
import { openGrpc, protos, type GrpcFixture, type Reply } from './grpc.fixture.ts';
import { decodeValue, encodeValue } from './struct.ts';

const folder = mkdtempSync(join(tmpdir(), 'troupe-grpc-'));
writeFileSync(join(folder, 'aes'), randomBytes(32));
let api: GrpcFixture;
let app: AppFixture;
beforeAll(async () => {
  app = await openApp(() => ({ status: 404 }));
  api = await openGrpc({
    components: [
      component('statestore', 'state.in-memory', { actorStateStore: 'true' }),
      component('config', 'configuration.in-memory', {
        items: '{"a": {"value": "1", "version": "v"}}',
      }),
      component('locks', 'lock.in-memory'),
      component('keys', 'crypto.dapr.localstorage', { path: folder }),
      component('echo', 'conversation.echo'),
      component('hook', 'bindings.http', { url: `http://127.0.0.1:${app.port}/none` }),
      component('files', 'bindings.localstorage', { rootPath: join(folder, 'files') }),
    ],
  });
});
afterAll(async () => {
  await api[Symbol.asyncDispose]();
  await app[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

/** All replies of a streaming method, and the status at its end. */
async function stream(method: string, requests: readonly object[], take = Infinity) {
  const codec = protos.method<object, Reply>(DAPR_SERVICE, method);
  const call = api.client.makeBidiStreamRequest(
    `/${DAPR_SERVICE}/${method}`,
    (request: object) => Buffer.from(codec.request.encode(request)),
    (bytes: Buffer) => codec.response.decode(bytes),
  );
  const replies: Reply[] = [];
  const status = new Promise<{ code: number; details: string }>((resolve) => {
    call.on('status', resolve);
    call.on('error', () => {});
  });
  call.on('data', (reply: Reply) => {
    replies.push(reply);
    if (replies.length === take) call.cancel();
  });
  for (const request of requests) call.write(request);
  call.end();
  return { replies, status: await status };
}

describe('configuration over gRPC', () => {
  it.each(['', 'Alpha1'])('%s gives items', async (version) => {
    const { reply } = await api.call(`GetConfiguration${version}`, {
      storeName: 'config',
      keys: ['a'],
    });
    expect(reply['items']).toMatchObject({ a: { value: '1', version: 'v' } });
  });

  it('streams until it is told to stop, by id', async () => {
    const codec = protos.method<object, Reply>(DAPR_SERVICE, 'SubscribeConfiguration');
    const call = api.client.makeServerStreamRequest(
      `/${DAPR_SERVICE}/SubscribeConfiguration`,
      (request: object) => Buffer.from(codec.request.encode(request)),
      (bytes: Buffer) => codec.response.decode(bytes),
      { storeName: 'config', keys: ['a'] },
    );
    const ended = new Promise<number>((resolve) => {
      call.on('status', ({ code }: { code: number }) => resolve(code));
    });
    const [first] = (await Array.fromAsync(
      (async function* one() {
        for await (const reply of call as AsyncIterable<Reply>) {
          yield reply;
          const id = reply['id'] as string;
          const end = await api.call('UnsubscribeConfiguration', { storeName: 'config', id });
          expect(end.reply['ok']).toBe(true);
        }
      })(),
    )) as [Reply];
    expect(first['id']).toMatch(/^[0-9a-f-]{36}$/);
    expect(await ended).toBe(0);
    const again = await api.call('UnsubscribeConfiguration', { id: first['id'] });
    expect(again.reply).toMatchObject({
      ok: false,
      message: expect.stringContaining('does not exist') as string,
    });
  });

  it('names an unknown store', async () => {
    const one = await api.call('GetConfiguration', { storeName: 'none' });
    expect(one).toMatchObject({ code: 3, message: 'configuration store none not found' });
    expect((await stream('SubscribeConfiguration', [{ storeName: 'none' }])).status.code).toBe(3);
  });
});

it('locks over gRPC are taken and given back', async () => {
  const door = { storeName: 'locks', resourceId: 'door', lockOwner: 'a', expiryInSeconds: 60 };
  expect((await api.call('TryLockAlpha1', door)).reply['success']).toBe(true);
  expect((await api.call('TryLockAlpha1', door)).reply['success']).toBe(false);
  expect((await api.call('UnlockAlpha1', { ...door, lockOwner: 'b' })).reply['status']).toBe(2);
  expect((await api.call('UnlockAlpha1', door)).reply['status']).toBe(0);
  const none = await api.call('TryLockAlpha1', { ...door, expiryInSeconds: 0 });
  expect(none).toMatchObject({
    code: 3,
    message: 'ExpiryInSeconds is not positive in lock store locks',
  });
});

describe('bindings over gRPC', () => {
  it('run operations on bytes as they are', async () => {
    const metadata = { fileName: 'a.txt' };
    const file = { name: 'files', metadata };
    await api.call('InvokeBinding', { ...file, operation: 'create', data: Buffer.from('hello') });
    const { reply } = await api.call('InvokeBinding', { ...file, operation: 'get' });
    expect(String(reply['data'])).toBe('hello');
  });

  it('give their metadata with an error too', async () => {
    const failed = await api.call('InvokeBinding', { name: 'hook', operation: 'get' });
    expect(failed).toMatchObject({
      code: 13,
      message: 'error invoking output binding hook: received status code 404',
    });
    expect(failed.headers.get('metadata.statuscode')).toEqual(['404']);
  });
});

describe('jobs over gRPC', () => {
  const value = encodeValue('{"a":[1,null,true,"x"]}');
  const data = { type_url: 'type.googleapis.com/google.protobuf.Value', value };

  it.each(['', 'Alpha1'])('%s are scheduled, shown, listed and deleted', async (version) => {
    const failurePolicy = {
      constant: { interval: { seconds: 3, nanos: 500_000_000 }, maxRetries: 0 },
    };
    const job = {
      name: `g${version}-1`,
      schedule: '@every 1m',
      repeats: 7,
      dueTime: '1h',
      data,
      failurePolicy,
    };
    expect((await api.call(`ScheduleJob${version}`, { job })).code).toBe(0);
    expect((await api.call(`ScheduleJob${version}`, { job })).code).toBe(6);
    expect((await api.call(`ScheduleJob${version}`, { job, overwrite: true })).code).toBe(0);
    const { reply } = await api.call(`GetJob${version}`, { name: job.name });
    const shown = reply['job'] as typeof job & { ttl?: string };
    expect(shown).toMatchObject({
      name: job.name,
      schedule: '@every 1m',
      repeats: 7,
      dueTime: '1h',
    });
    expect(Object.hasOwn(shown, 'ttl')).toBe(false);
    expect(decodeValue(shown.data.value)).toBe('{"a":[1,null,true,"x"]}');
    expect(Number(shown.failurePolicy.constant.interval.seconds)).toBe(3);
    expect(shown.failurePolicy.constant).toMatchObject({
      interval: { nanos: 500_000_000 },
      maxRetries: 0,
    });
    const listed = await api.call(`ListJobs${version}`, {});
    expect(listed.reply['jobs']).toMatchObject([{ name: job.name }]);
    await api.call(`DeleteJobsByPrefix${version}`, { namePrefix: `g${version}-` });
    const gone = await api.call(`GetJob${version}`, { name: job.name });
    expect(gone).toMatchObject({
      code: 13,
      message: expect.stringContaining('job not found') as string,
    });
    expect((await api.call(`DeleteJob${version}`, { name: job.name })).code).toBe(0);
  });

  it('keep any other data as the bytes that it is', async () => {
    const bytes = { type_url: 'some/type', value: Buffer.from([0, 255]) };
    await api.call('ScheduleJob', { job: { name: 'bytes', dueTime: '1h', data: bytes } });
    const { reply } = await api.call('GetJob', { name: 'bytes' });
    expect(reply['job']).toMatchObject({ data: bytes });
  });

  it.each([
    [{}, 'Job is empty'],
    [{ job: { schedule: '@daily' } }, 'Name is empty'],
    [{ job: { name: 'a' } }, 'Schedule is empty'],
  ])('as %j are refused', async (request, message) => {
    expect(await api.call('ScheduleJob', request)).toMatchObject({ code: 3, message });
  });
});

describe('cryptography over gRPC', () => {
  const options = { componentName: 'keys', keyName: 'aes', keyWrapAlgorithm: 'AES' };
  const payloadsOf = (replies: Reply[]): Buffer =>
    Buffer.concat(replies.map((reply) => (reply['payload'] as { data: Buffer }).data));

  it('encrypts in chunks and decrypts again', async () => {
    const plain = randomBytes(300_000);
    const chunks = [0, 1, 2].map((seq) => ({
      payload: { data: plain.subarray(seq * 100_000, (seq + 1) * 100_000), seq },
    }));
    const sealed = await stream('EncryptAlpha1', [{ options, ...chunks[0] }, ...chunks.slice(1)]);
    expect(sealed.status.code).toBe(0);
    const seqs = sealed.replies.map((reply) => Number((reply['payload'] as { seq: unknown }).seq));
    expect(seqs).toEqual(seqs.map((_, index) => index));
    const document = payloadsOf(sealed.replies);
    const opened = await stream('DecryptAlpha1', [
      { options: { componentName: 'keys' } },
      { payload: { data: document, seq: 0 } },
    ]);
    expect(payloadsOf(opened.replies).equals(plain)).toBe(true);
    document[document.length - 1]! ^= 1;
    const broken = await stream('DecryptAlpha1', [
      { options: { componentName: 'keys' }, payload: { data: document, seq: 0 } },
    ]);
    expect(broken.status).toMatchObject({
      code: 13,
      details: expect.stringContaining('failed to decrypt') as string,
    });
  });

  it.each([
    [[{ payload: { data: Buffer.from('x'), seq: 0 } }], 3, 'does not contain the required options'],
    [[{ options: { componentName: 'keys' } }], 3, "missing property 'keyName'"],
    [[{ options: { ...options, componentName: 'none' } }], 3, 'crypto provider none not found'],
    [[{ options, payload: { data: Buffer.from('x'), seq: 1 } }], 13, 'invalid sequence number'],
    [[{ options }, { options }], 13, 'options found in non-leading message'],
  ])('refuses %j', async (requests, code, details) => {
    const { status } = await stream('EncryptAlpha1', requests);
    expect(status.code).toBe(code);
    expect(status.details).toContain(details);
  });
});

describe('a conversation over gRPC', () => {
  it('is answered in both versions', async () => {
    const one = await api.call('ConverseAlpha1', {
      name: 'echo',
      contextID: 'c',
      inputs: [{ content: 'I am a@b.com', scrubPII: true }],
    });
    expect(one.reply).toMatchObject({
      contextID: 'c',
      outputs: [{ result: 'I am <EMAIL_ADDRESS>' }],
    });
    const parameters = {
      fields: { properties: { structValue: { fields: { city: { stringValue: '' } } } } },
    };
    const two = await api.call('ConverseAlpha2', {
      name: 'echo',
      inputs: [{ messages: [{ ofUser: { content: [{ text: 'hello there' }] } }] }],
      tools: [{ function: { name: 'f', parameters } }],
    });
    const [output] = two.reply['outputs'] as {
      choices: object[];
      usage: { totalTokens: unknown };
    }[];
    expect(output!.choices).toMatchObject([
      {
        finishReason: 'tool_calls',
        message: {
          content: 'hello there',
          toolCalls: [{ id: '0', function: { name: 'f', arguments: 'city' } }],
        },
      },
    ]);
    expect(Number(output!.usage.totalTokens)).toBe(4);
  });

  it('refuses a message without a type', async () => {
    const outcome = await api.call('ConverseAlpha2', {
      name: 'echo',
      inputs: [{ messages: [{}] }],
    });
    expect(outcome).toMatchObject({
      code: 3,
      message: expect.stringContaining('message type cannot be nil') as string,
    });
  });
});
