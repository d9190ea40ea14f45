/** Servers of which a process that listens is not yet one that serves. */
import { connect } from 'node:net';
import { once } from 'node:events';
import { expect, it } from 'vitest';
import { startEtcd } from './etcd.ts';
import { startKafka } from './kafka.ts';

it('etcd is healthy when it is ready, and again after a kill', async () => {
  await using server = await startEtcd();
  const health = async () => (await fetch(`http://127.0.0.1:${server.port}/health`)).json();
  expect(await health()).toEqual({ health: 'true' });
  await server.kill();
  await server.restart();
  expect(await health()).toEqual({ health: 'true' });
});

it('Kafka takes connections when it is ready, and again after a kill', async () => {
  await using server = await startKafka();
  await server.kill();
  await server.restart();
  const socket = connect(server.port, server.host);
  await once(socket, 'connect');
  socket.destroy();
});
