/** `state.etcd` beside etcd3: a put and a range for a key, on a server that syncs each write. */
import { Etcd3 } from 'etcd3';
import { startEtcd } from '../../test/servers/etcd.ts';
import { stateRows } from './state.ts';

const hostOf = (port: number): string => `127.0.0.1:${port}`;

export const rows = stateRows({
  driver: 'state.etcd',
  version: 'v2',
  server: startEtcd,
  bare: { set: 'put', get: 'range of one key' },
  metadata: ({ port, name }) => ({ endpoints: hostOf(port), keyPrefixPath: name }),
  async open({ port, name }) {
    const client = new Etcd3({ hosts: hostOf(port) });
    const bytes = (key: string): Buffer => Buffer.from(`${name}/${key}`);
    return {
      set: (key, value) => client.kv.put({ key: bytes(key), value: Buffer.from(value) }),
      get: (key) => client.kv.range({ key: bytes(key) }),
      close: async () => client.close(),
    };
  },
});
