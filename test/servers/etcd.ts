/** A real etcd of one member that syncs every write. */
import { findProgram, startServer, type TestServer } from './process.ts';

/** @throws Error that says what to do when etcd is not installed. */
export function startEtcd(): Promise<TestServer> {
  return startServer({
    name: 'etcd',
    command: findProgram('etcd'),
    morePorts: 1,
    args: (port, folder, [peer]) => [
      ...['--data-dir', `${folder}/data`, '--name', 'test', '--enable-v2=false'],
      ...['--listen-client-urls', `http://127.0.0.1:${port}`],
      ...['--advertise-client-urls', `http://127.0.0.1:${port}`],
      ...['--listen-peer-urls', `http://127.0.0.1:${peer}`],
      ...['--initial-advertise-peer-urls', `http://127.0.0.1:${peer}`],
      ...['--initial-cluster', `test=http://127.0.0.1:${peer}`],
    ],
    ready: /ready to serve client requests/,
  });
}
