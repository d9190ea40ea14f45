/** Bytes that no client would send: every method answers, and the server stays up. */
import { Client, credentials } from '@grpc/grpc-js';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { DAPR_SERVICE } from './dapr-methods.ts';
import { callRaw, openGrpc, protos, type GrpcFixture } from './grpc.fixture.ts';

const UNKNOWN = 2;
const CANCELLED = 1;
let api: GrpcFixture;
beforeAll(async () => {
  api = await openGrpc();
});
afterAll(() => api[Symbol.asyncDispose]());

const unary = protos.methods(DAPR_SERVICE).filter((name) => {
  const { requestStream, responseStream } = protos.root.lookupService(DAPR_SERVICE).methods[name]!;
  return !requestStream && !responseStream;
});

/** Fields of a message in whatever order and with whatever content. */
const field = fc
  .tuple(fc.integer({ min: 1, max: 12 }), fc.uint8Array({ maxLength: 12 }))
  .map(([number, bytes]) => [(number << 3) | 2, bytes.length, ...bytes]);
const message = fc.oneof(
  fc.uint8Array({ maxLength: 64 }).map((bytes) => Buffer.from(bytes)),
  fc.array(field, { maxLength: 6 }).map((fields) => Buffer.from(fields.flat())),
);

it('whatever bytes a unary method gets, it answers with a code of its own', async () => {
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...unary), message, async (method, bytes) => {
      const { code } = await callRaw(api.client, `/${DAPR_SERVICE}/${method}`, bytes, {
        call: { deadline: Date.now() + 5000 },
      });
      expect([UNKNOWN, CANCELLED, 4]).not.toContain(code);
    }),
    { numRuns: 400 },
  );
  expect((await api.call('GetMetadata', {})).code).toBe(0);
});

it('a message that is nested without end is refused', async () => {
  let nested = Buffer.alloc(0);
  for (let depth = 0; depth < 20_000; depth++) {
    // ConverseAlpha2's tools hold a Struct, which may hold itself: a field of length and content.
    const size: number[] = [];
    for (let left = nested.length; ; left >>>= 7) {
      size.push(left > 127 ? (left & 127) | 128 : left);
      if (left <= 127) break;
    }
    nested = Buffer.concat([Buffer.from([0x2a, ...size]), nested]);
    if (nested.length > 20_000) break;
  }
  const client = new Client(api.address, credentials.createInsecure());
  const { code } = await callRaw(client, `/${DAPR_SERVICE}/ConverseAlpha2`, nested);
  client.close();
  expect(code).not.toBe(0);
  expect((await api.call('GetMetadata', {})).code).toBe(0);
});
