/** An item of the state API as an operation of a state store: options and ttl checked and translated. */
import type { DeleteOperation, SetOperation } from '../../components/state/contract.ts';
import type { DeleteItem, SaveItem } from './state.ts';

function ttlOf(metadata: SaveItem['metadata']): number | undefined {
  const entry = Object.entries(metadata ?? {}).find(
    ([name]) => name.toLowerCase() === 'ttlinseconds',
  );
  if (!entry || entry[1] === '') return undefined;
  const seconds = Number(entry[1]);
  if (seconds === -1) return undefined;
  if (!Number.isInteger(seconds) || seconds <= 0) {
    throw new Error(
      `ttlInSeconds must be a whole number above zero, or -1 for no ttl; it is "${entry[1]}"`,
    );
  }
  return seconds;
}

function checkOptions({ concurrency, consistency }: DeleteItem): void {
  if (concurrency && concurrency !== 'first-write' && concurrency !== 'last-write') {
    throw new Error(
      `unrecognized concurrency model '${concurrency}': use first-write or last-write`,
    );
  }
  if (consistency && consistency !== 'strong' && consistency !== 'eventual') {
    throw new Error(`unrecognized consistency model '${consistency}': use strong or eventual`);
  }
}

export function setOperation(item: SaveItem, key: string): SetOperation {
  checkOptions(item);
  const ttlSeconds = ttlOf(item.metadata);
  return {
    kind: 'set',
    key,
    value: item.value,
    ...(item.etag ? { etag: item.etag } : {}),
    ...(!item.etag && item.concurrency === 'first-write' ? { firstWrite: true } : {}),
    ...(ttlSeconds === undefined ? {} : { ttlSeconds }),
  };
}

export function deleteOperation(item: DeleteItem, key: string): DeleteOperation {
  checkOptions(item);
  return { kind: 'delete', key, ...(item.etag ? { etag: item.etag } : {}) };
}
