import { credentials, Client, Metadata } from '@grpc/grpc-js';
import { expect, it } from 'vitest';
import { callRaw } from './grpc.fixture.ts';
import { createGrpcServer, type Handler } from './server.ts';
import { GrpcError } from './status.ts';

const silent = { debug() {}, info() {}, warn() {}, error() {} };
const NO_BYTES = Buffer.alloc(0);

const HANDLERS: Record<string, Handler> = {
  '/t.S/Get': { kind: 'unary', handle: (message) => message },
  '/t.S/Miss': {
    kind: 'unary',
    handle() {
      throw new GrpcError('NOT_FOUND', 'none');
    },
  },
  '/t.S/Watch': {
    kind: 'stream',
    async handle(call) {
      call.sendHeaders();
      for await (const _message of call.messages());
    },
  },
};

it('gets a line for every call that the token lets in, when the call has ended', async () => {
  const lines: object[] = [];
  await using server = await createGrpcServer({
    handlers: new Map(Object.entries(HANDLERS)),
    logger: silent,
    apiToken: 'secret',
    apiLog: { ...silent, info: (fields, message) => void lines.push({ ...fields, message }) },
  });
  const client = new Client(`${server.host}:${server.port}`, credentials.createInsecure(), {
    'grpc.primary_user_agent': 'till/1.0',
  });
  try {
    const metadata = { 'dapr-api-token': 'secret' };
    const line = (method: string, code: number) => ({
      message: 'gRPC API Called',
      method: `/t.S/${method}`,
      code,
      duration: expect.any(Number) as number,
      useragent: expect.stringMatching(/^till\/1\.0 /) as string,
    });
    await callRaw(client, '/t.S/Get', NO_BYTES, { metadata: { 'dapr-api-token': 'wrong' } });
    for (const name of ['Get', 'Miss', 'Unknown']) {
      await callRaw(client, `/t.S/${name}`, NO_BYTES, { metadata });
    }
    const known = [line('Get', 0), line('Miss', 5), line('Unknown', 12)];
    expect(lines).toEqual(known);

    const same = (bytes: Buffer): Buffer => bytes;
    const sent = new Metadata();
    sent.set('dapr-api-token', 'secret');
    const watch = client.makeBidiStreamRequest('/t.S/Watch', same, same, sent);
    watch.resume();
    await new Promise((resolve) => watch.once('metadata', resolve));
    expect(lines).toEqual(known);
    const over = new Promise((resolve) => watch.once('end', resolve));
    watch.end();
    await over;
    expect(lines).toEqual([...known, line('Watch', 0)]);
  } finally {
    client.close();
  }
});
