/**
 * `lock.redis`: a lock is a key with its owner as value and its end as expiry,
 * as daprd keeps it. One server without replicas, since a replica that takes
 * over may not know of a lock.
 */
import { createHash } from 'node:crypto';
import { ComponentError } from '../../../runtime/core/errors.ts';
import type { ComponentOptions, Driver } from '../../component.ts';
import { Connection, type Script } from '../../redis/connection.ts';
import { connectionFields, readConnection } from '../../redis/settings.ts';
import type { LockStore, UnlockStatus } from '../contract.ts';

const text = `
local owner = redis.call('GET', ARGV[1])
if not owner then return -1 end
if owner ~= ARGV[2] then return -2 end
return redis.call('DEL', ARGV[1])`;
const UNLOCK: Script = { text, sha: createHash('sha1').update(text).digest('hex') };

const STATUS: Readonly<Record<number, UnlockStatus>> = {
  [-1]: 'LOCK_DOES_NOT_EXIST',
  [-2]: 'LOCK_BELONGS_TO_OTHERS',
};

/** A server that shows nothing of its replicas is believed to have none. */
async function refuseReplicas(options: ComponentOptions, connection: Connection): Promise<void> {
  let info: string;
  try {
    info = String(await connection.send(['INFO', 'replication'], false));
  } catch {
    return;
  }
  const replicas = Number(/^connected_slaves:(\d+)/m.exec(info)?.[1] ?? 0);
  if (replicas === 0) return;
  throw new ComponentError(
    options,
    `the server has ${replicas} replicas, on which a lock may be lost; name a Redis without replication`,
    { code: 'UNSUPPORTED' },
  );
}

async function openStore(options: ComponentOptions, signal: AbortSignal): Promise<LockStore> {
  const settings = readConnection(options);
  const connection = await Connection.open(options, settings, { scripts: [UNLOCK], signal });
  try {
    await refuseReplicas(options, connection);
  } catch (error) {
    await connection.close();
    throw error;
  }
  const close = (): Promise<void> => connection.close();
  return {
    features: [],
    usage: () => connection.usage(),
    async tryLock({ resource, owner, expirySeconds }) {
      const command = ['SET', resource, owner, 'NX', 'PX', String(expirySeconds * 1000)];
      return (await connection.send(command, true)) !== null;
    },
    async unlock({ resource, owner }) {
      const reply = Number(await connection.run(UNLOCK, [resource, owner], true));
      return STATUS[reply] ?? 'SUCCESS';
    },
    async ping() {
      await connection.send(['PING'], false);
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

export const driver: Driver<LockStore> = {
  fields: connectionFields,
  create: (options, { signal }) => openStore(options, signal),
};
