import { Server, ServerCredentials } from '@grpc/grpc-js';
import { expect, it } from 'vitest';
import { createGrpcClient } from './client.ts';

it('has more calls wait at a server at once than it lets one connection carry', async () => {
  const server = new Server({ 'grpc.max_concurrent_streams': 100 });
  const asIs = (bytes: Buffer): Buffer => bytes;
  const waiting: (() => void)[] = [];
  server.addService(
    {
      wait: {
        path: '/test.Test/Wait',
        requestStream: false,
        responseStream: false,
        requestSerialize: asIs,
        requestDeserialize: asIs,
        responseSerialize: asIs,
        responseDeserialize: asIs,
      },
    },
    {
      wait: (call: { request: Buffer }, reply: (error: null, message: Buffer) => void) => {
        waiting.push(() => reply(null, call.request));
        if (waiting.length === 150) for (const one of waiting) one();
      },
    },
  );
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    ),
  );
  await using client = createGrpcClient({ host: '127.0.0.1', port, maxMessageBytes: 1024 });
  const calls = Array.from({ length: 150 }, (_, index) =>
    client.unary('/test.Test/Wait', Buffer.from(String(index))),
  );
  expect(client.calls).toBe(150);
  const replies = await Promise.all(calls);
  expect(replies.map(({ message }) => message.toString())).toEqual(
    calls.map((_, index) => String(index)),
  );
  server.forceShutdown();
});
