/** A real Redis that syncs every write before it answers. */
import { findProgram, startServer, type TestServer } from './process.ts';

/** As many databases as a test could number; each is empty at first. */
const DATABASES = 10_000;

export interface RedisOptions {
  /** The password that clients must give. Default: none. */
  readonly password?: string;
}

/** @throws Error that says what to do when Redis is not installed. */
export function startRedis({ password }: RedisOptions = {}): Promise<TestServer> {
  return startServer({
    name: 'redis-server',
    command: findProgram('redis-server'),
    args: (port, folder) => [
      ...['--bind', '127.0.0.1', '--port', String(port), '--dir', folder],
      ...['--appendonly', 'yes', '--appendfsync', 'always', '--save', ''],
      ...['--databases', String(DATABASES)],
      ...(password === undefined ? [] : ['--requirepass', password]),
    ],
    ready: /ready to accept connections/i,
  });
}
