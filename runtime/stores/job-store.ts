/** Jobs over the state component of the actors: a row a job, in one index by the time of its next delivery. */
import type { StateStore } from '../../components/state/contract.ts';
import { isTroupeError, TroupeError } from '../core/errors.ts';
import type { JobStore, StoredJob } from '../core/job-scheduler.ts';
import type { JobRecord } from '../core/jobs.ts';

const decoder = new TextDecoder();

export interface JobStoreOptions {
  readonly store: StateStore;
  readonly appId: string;
}

export function createJobStore({ store, appId }: JobStoreOptions): JobStore {
  // No actor type can be named like this, so no actor has such a key.
  const prefix = `${appId}||$jobs||`;
  const index = `${appId}||jobs`;

  function jobOf(key: string, value: string | Uint8Array, etag: string | undefined): StoredJob {
    const text = typeof value === 'string' ? value : decoder.decode(value);
    return {
      name: key.slice(prefix.length),
      record: JSON.parse(text) as JobRecord,
      etag: etag ?? '',
    };
  }

  return {
    async get(name) {
      const item = await store.get(prefix + name);
      return item?.value === undefined ? undefined : jobOf(item.key, item.value, item.etag);
    },
    async put(name, record, etag) {
      try {
        await store.apply({
          kind: 'set',
          key: prefix + name,
          value: JSON.stringify(record),
          index: { name: index, score: record.at },
          ...(etag === null ? { firstWrite: true } : {}),
          ...(etag ? { etag } : {}),
        });
      } catch (cause) {
        if (etag !== null || !isTroupeError(cause) || cause.code !== 'CONFLICT') throw cause;
        throw new TroupeError('CONFLICT', `job already exists: '${name}'`, { cause });
      }
    },
    async delete(name, etag) {
      await store.apply({ kind: 'delete', key: prefix + name, index, ...(etag ? { etag } : {}) });
    },
    async list({ after, limit }) {
      const items = await store.range({
        index,
        limit,
        ...(after ? { after: { score: after.at, key: prefix + after.name } } : {}),
      });
      return items.map(({ key, value, etag }) => jobOf(key, value, etag));
    },
  };
}
