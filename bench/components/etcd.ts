/** The drivers of etcd beside etcd3, on a server that syncs each write. */
import { Etcd3 } from 'etcd3';
import { startEtcd } from '../../test/servers/etcd.ts';
import { configurationRow, EXPIRY_SECONDS, lockRow } from './held.ts';
import type { Row } from './rows.ts';
import { stateRows } from './state.ts';

const hostOf = (port: number): string => `127.0.0.1:${port}`;

const state = stateRows({
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

const lock = lockRow({
  driver: 'lock.etcd',
  server: startEtcd,
  bare: 'lease grant, txn with put, txn with delete, lease revoke',
  metadata: ({ port }) => ({ endpoints: hostOf(port) }),
  async open({ port }) {
    const client = new Etcd3({ hosts: hostOf(port) });
    const leases = new Map<string, string>();
    return {
      async lock(resource, owner) {
        const { ID } = await client.leaseClient.leaseGrant({ TTL: EXPIRY_SECONDS });
        leases.set(resource, ID);
        const taken = client.if(resource, 'Create', '==', 0);
        await taken.then(client.put(resource).value(owner).lease(ID)).commit();
      },
      async unlock(resource, owner) {
        await client
          .if(resource, 'Value', '==', owner)
          .then(client.delete().key(resource))
          .commit();
        await client.leaseClient.leaseRevoke({ ID: leases.get(resource)! });
      },
      close: async () => client.close(),
    };
  },
});

const configuration = configurationRow({
  driver: 'configuration.etcd',
  server: startEtcd,
  bare: 'range of one key',
  metadata: ({ port }) => ({ endpoints: hostOf(port) }),
  async open({ port }) {
    const client = new Etcd3({ hosts: hostOf(port) });
    return {
      set: (key, value) => client.kv.put({ key: Buffer.from(key), value: Buffer.from(value) }),
      get: (key) => client.kv.range({ key: Buffer.from(key) }),
      close: async () => client.close(),
    };
  },
});

export const rows: readonly Row[] = [...state, lock, configuration];
