/**
 * `lock.etcd`, Troupe's own: a lock is a key with its owner as value, under a
 * lease that ends it. etcd agrees among its members before it answers, so a
 * lock is not lost with one of them.
 */
import type { ComponentOptions, Driver } from '../../component.ts';
import { Connection } from '../../etcd/connection.ts';
import { connectionFields, prefixOf, readConnection } from '../../etcd/settings.ts';
import type { LockStore } from '../contract.ts';

async function openStore(options: ComponentOptions, signal: AbortSignal): Promise<LockStore> {
  const settings = readConnection(options);
  const connection = await Connection.open(options, settings, signal);
  const keyOf = (resource: string): Buffer => Buffer.from(prefixOf(settings) + resource);

  function revoke(ID: string): Promise<unknown> {
    return connection.request((client, call) => client.leaseClient.leaseRevoke({ ID }, call));
  }

  const close = (): Promise<void> => connection.close();
  return {
    features: [],
    usage: () => connection.usage(),
    async tryLock({ resource, owner, expirySeconds }) {
      const key = keyOf(resource);
      const { ID } = await connection.request((client, call) =>
        client.leaseClient.leaseGrant({ TTL: expirySeconds }, call),
      );
      const { succeeded } = await connection.request(
        (client, call) =>
          client.kv.txn(
            {
              compare: [{ target: 'Create', result: 'Equal', key, create_revision: 0 }],
              success: [{ request_put: { key, value: Buffer.from(owner), lease: ID } }],
            },
            call,
          ),
        { writes: true },
      );
      if (!succeeded) await revoke(ID);
      return succeeded;
    },
    async unlock({ resource, owner }) {
      const key = keyOf(resource);
      const answer = await connection.request(
        (client, call) =>
          client.kv.txn(
            {
              compare: [{ target: 'Value', result: 'Equal', key, value: Buffer.from(owner) }],
              success: [{ request_range: { key } }, { request_delete_range: { key } }],
              failure: [{ request_range: { key, count_only: true } }],
            },
            call,
          ),
        { writes: true },
      );
      const [first] = answer.responses;
      if (!answer.succeeded) {
        const isTaken = first!.response_range.count !== '0';
        return isTaken ? 'LOCK_BELONGS_TO_OTHERS' : 'LOCK_DOES_NOT_EXIST';
      }
      const lease = first!.response_range.kvs[0]?.lease;
      if (lease !== undefined && lease !== '0') await revoke(lease);
      return 'SUCCESS';
    },
    ping: () => connection.ping(),
    close,
    [Symbol.asyncDispose]: close,
  };
}

export const driver: Driver<LockStore> = {
  fields: connectionFields,
  create: (options, { signal }) => openStore(options, signal),
};
