import { createServer, type AddressInfo } from 'node:net';
import { expect, it } from 'vitest';
import { listen, reservePort } from './listen.ts';

it('a reserved port is for nobody else until it is given free', async () => {
  const host = '127.0.0.1';
  const taken = createServer();
  await listen(taken, { host, port: 0 });
  const at = { host, port: (taken.address() as AddressInfo).port };
  await expect(reservePort(at)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  await new Promise((resolve) => taken.close(resolve));

  const reserved = await reservePort(at);
  const server = createServer();
  await expect(listen(server, at)).rejects.toThrow(/in use by another program/);
  await reserved[Symbol.asyncDispose]();
  await reserved[Symbol.asyncDispose]();
  await listen(server, at);
  await new Promise((resolve) => server.close(resolve));
});
