import { Client, credentials } from '@grpc/grpc-js';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { createResiliency } from '../../core/resiliency.ts';
import { policies } from '../../core/resiliency.fixture.ts';
import { createSystemClock } from '../../hosts/system-clock.ts';
import { createGrpcClient, type GrpcClient } from './client.ts';
import { callRaw } from './grpc.fixture.ts';
import { createProxy } from './proxy.ts';
import { createGrpcServer, type GrpcServer } from './server.ts';
import { GrpcError } from './status.ts';

const silent = { debug() {}, info() {}, warn() {}, error() {} };
const open: { close(): unknown }[] = [];
let calls = 0;
let client: Client;
/** Where the next calls go; after them to the app. */
let detours: GrpcClient[] = [];
const begun = new Set<object>();

beforeAll(async () => {
  const app: GrpcServer = await createGrpcServer({
    logger: silent,
    handlers: new Map([
      [
        '/users.UserService/Get',
        {
          kind: 'unary',
          handle(message: Uint8Array) {
            calls++;
            if (calls < 3) throw new GrpcError(Number(Buffer.from(message).toString()), 'not yet');
            return Buffer.from('there');
          },
        },
      ],
    ] as never),
  });
  const target: GrpcClient = createGrpcClient({ ...app, maxMessageBytes: 1024 });
  const resiliency = createResiliency(
    [
      policies({
        retries: {
          r: {
            policy: 'constant',
            durationMs: 0,
            maxIntervalMs: 0,
            maxRetries: 2,
            grpcStatusCodes: [[14, 14]],
          },
        },
        apps: { shop: { retry: 'r' } },
      }),
    ],
    {
      clock: createSystemClock(),
      random: () => 0.5,
      logger: silent,
      compileTrip: () => () => false,
    },
  );
  const proxy = await createGrpcServer({
    logger: silent,
    handlers: new Map(),
    fallback: createProxy({
      now: Date.now,
      target(appId, { path }) {
        const one = {};
        begun.add(one);
        const release = (): void => void begun.delete(one);
        const policy = resiliency.app(appId, path);
        return { client: detours.shift() ?? target, policy, release };
      },
    }),
  });
  client = new Client(`127.0.0.1:${proxy.port}`, credentials.createInsecure());
  open.push(app, target, proxy, client);
});
beforeEach(() => (calls = 0));
afterAll(async () => {
  for (const one of open.reverse()) await one.close();
});

const get = (code: string, more: Record<string, string> = {}) =>
  callRaw(client, '/users.UserService/Get', Buffer.from(code), {
    metadata: { 'dapr-app-id': 'shop', ...more },
  });

it('begins a proxied call again by the policy of its callee', async () => {
  expect((await get('14')).bytes?.toString()).toBe('there');
  expect(calls).toBe(3);
});

it('gives back a code that the policy does not match at once', async () => {
  expect(await get('5')).toMatchObject({ code: 5, message: 'not yet' });
  expect(calls).toBe(1);
});

it('leaves a call alone that says that it is a stream', async () => {
  expect(await get('14', { 'dapr-stream': 'true' })).toMatchObject({ code: 14 });
  expect(calls).toBe(1);
});

it('asks where the app is each time that it begins a call, and tells each of its end', async () => {
  await using gone = createGrpcClient({ host: '127.0.0.1', port: 1, maxMessageBytes: 1024 });
  detours = [gone, gone];
  calls = 2;
  expect((await get('14')).bytes?.toString()).toBe('there');
  expect(detours).toEqual([]);
  detours = [gone, gone, gone];
  expect(await get('14')).toMatchObject({ code: 14 });
  expect(detours).toEqual([]);
  expect(begun.size).toBe(0);
});
