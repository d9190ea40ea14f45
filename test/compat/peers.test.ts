/** Troupe's sidecar and the official daprd as peers: each invokes the app of the other, found by multicast DNS. */
import { createGrpcServer, type GrpcServer } from '../../runtime/transport/grpc/server.ts';
import { callRaw } from '../../runtime/transport/grpc/grpc.fixture.ts';
import { Client, credentials } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  startApp,
  startSidecar,
  type RunningSidecar,
  type TestApp,
} from '../../runtime/cli/sidecar.fixture.ts';
import { startDaprd, type Daprd } from '../servers/dapr.ts';

const silent = { debug() {}, info() {}, warn() {}, error() {} };
const LARGE = 200_000;

describe('over HTTP', () => {
  let app: TestApp;
  let ours: RunningSidecar;
  let theirs: Daprd;

  beforeAll(async () => {
    app = await startApp(({ method, url, headers, body }, response) => {
      if (url.startsWith('/dapr/')) return;
      response.writeHead(207, { 'content-type': 'application/json', 'x-app': 'yes' });
      response.end(JSON.stringify({ method, url, headers, body }));
    });
    const { port } = app;
    theirs = await startDaprd({ appId: 'theirs', appPort: port });
    ours = await startSidecar({
      appId: 'ours',
      args: [`--app-port=${port}`],
    });
    await ours.healthy();
  });
  afterAll(async () => {
    await ours[Symbol.asyncDispose]();
    await theirs[Symbol.asyncDispose]();
    await app[Symbol.asyncDispose]();
  });

  it.each([
    ['Troupe', 'theirs', 'ours'],
    ['daprd', 'ours', 'theirs'],
  ])('%s invokes the app of the other', async (from, callee, caller) => {
    const base = from === 'Troupe' ? ours.base : `http://127.0.0.1:${theirs.httpPort}`;
    const answer = await fetch(`${base}/v1.0/invoke/${callee}/method/items/7?x=1`, {
      method: 'PUT',
      headers: { 'content-type': 'text/plain', 'x-own': 'mine' },
      body: 'x'.repeat(LARGE),
    });
    expect([answer.status, answer.headers.get('x-app')]).toEqual([207, 'yes']);
    const seen = (await answer.json()) as Record<string, unknown>;
    expect(seen).toMatchObject({
      method: 'PUT',
      url: '/items/7?x=1',
      headers: {
        'content-type': 'text/plain',
        'x-own': 'mine',
        'dapr-caller-app-id': caller,
        'dapr-callee-app-id': callee,
      },
    });
    expect(seen['body']).toHaveLength(LARGE);
  });
});

describe('over gRPC', () => {
  let app: GrpcServer;
  let ours: RunningSidecar;
  let theirs: Daprd;

  beforeAll(async () => {
    app = await createGrpcServer({
      logger: silent,
      handlers: new Map([
        [
          '/stock.Stock/Count',
          { kind: 'unary', handle: (message) => Buffer.concat([Buffer.from('12 '), message]) },
        ],
      ]),
    });
    const { port } = app;
    theirs = await startDaprd({
      appId: 'theirs-grpc',
      appPort: port,
      appProtocol: 'grpc',
    });
    ours = await startSidecar({
      appId: 'ours-grpc',
      args: [`--app-port=${port}`, '--app-protocol=grpc'],
    });
    await ours.healthy();
  });
  afterAll(async () => {
    await ours[Symbol.asyncDispose]();
    await theirs[Symbol.asyncDispose]();
    await app.close();
  });

  it.each([
    ['Troupe', 'theirs-grpc'],
    ['daprd', 'ours-grpc'],
  ])('%s passes a call on to the app of the other', async (from, callee) => {
    const port = from === 'Troupe' ? ours.grpcPort : theirs.grpcPort;
    const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
    const outcome = await callRaw(client, '/stock.Stock/Count', Buffer.from('mugs'), {
      metadata: { 'dapr-app-id': callee },
    });
    client.close();
    expect(outcome).toMatchObject({ code: 0, message: '' });
    expect(outcome.bytes?.toString()).toBe('12 mugs');
  });
});
