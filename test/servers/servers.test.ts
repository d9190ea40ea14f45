import { existsSync } from 'node:fs';
import { connect } from 'node:net';
import { once } from 'node:events';
import { expect, it } from 'vitest';
import { startPostgresql } from './postgresql.ts';
import { startRedis } from './redis.ts';

/** What Redis answers to a PING on a connection of its own. */
async function ping(port: number): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  socket.write('PING\r\n');
  const [data] = (await once(socket, 'data')) as [Buffer];
  socket.destroy();
  return data.toString();
}

it('Redis starts, is killed and restarted on its port, and leaves nothing behind', async () => {
  const server = await startRedis();
  expect(await ping(server.port)).toBe('+PONG\r\n');
  await server.kill();
  await expect(ping(server.port)).rejects.toThrow('ECONNREFUSED');
  await server.restart();
  expect(await ping(server.port)).toBe('+PONG\r\n');
  await server.stop();
  await server.stop();
  expect(existsSync(server.folder)).toBe(false);
  await expect(ping(server.port)).rejects.toThrow('ECONNREFUSED');
});

it('PostgreSQL starts and stops, as root too', async () => {
  const server = await startPostgresql();
  const socket = connect(server.port, server.host);
  await once(socket, 'connect');
  socket.destroy();
  await server.stop();
  expect(existsSync(server.folder)).toBe(false);
});
