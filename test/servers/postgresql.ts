/** A real PostgreSQL with synchronous commits; as the user `postgres` where the test is root. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { findProgram, identityOf, startServer, type TestServer } from './process.ts';

const run = promisify(execFile);
/** Debian keeps the server's programs out of PATH, one folder a version. */
const FOLDERS = ['/usr/lib/postgresql/*/bin'];

/** Anyone on this machine may connect as `postgres`. @throws Error that says what to do when it is not installed. */
export function startPostgresql(): Promise<TestServer> {
  const initdb = findProgram('initdb', FOLDERS);
  const identity = identityOf('postgres');
  return startServer({
    name: 'postgres',
    command: findProgram('postgres', FOLDERS),
    identity,
    // A fast shutdown: SIGTERM would wait for every client to go.
    stopSignal: 'SIGINT',
    async prepare(folder) {
      const data = join(folder, 'data');
      const options = ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8'];
      await run(initdb, [...options, '--locale=C', '--no-sync'], { cwd: folder, ...identity });
    },
    args: (port, folder) => [
      ...['-D', join(folder, 'data'), '-p', String(port), '-k', folder],
      ...['-c', 'listen_addresses=127.0.0.1', '-c', 'fsync=on', '-c', 'synchronous_commit=on'],
    ],
    ready: /database system is ready to accept connections/,
  });
}

export const urlOf = ({ host, port }: TestServer): string =>
  `postgres://postgres@${host}:${port}/postgres`;

/** Runs statements on a connection of their own. */
export async function runStatements(
  server: TestServer,
  text: string,
  values: unknown[] = [],
): Promise<void> {
  const client = new pg.Client({ connectionString: urlOf(server) });
  await client.connect();
  try {
    await client.query(text, values);
  } finally {
    await client.end();
  }
}
