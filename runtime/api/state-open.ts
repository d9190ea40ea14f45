/** A state store as the state block uses it: the keys and values of callers turned into those of the store. */
import type { StateStore, StateValue } from '../../components/state/contract.ts';
import { ApiError } from './api-error.ts';
import type { SaveItem, StateStoreEntry } from './state.ts';

/** A user's key never holds the separator of prefixes, so that no app reaches the rows of another. */
function checkKey(store: string, key: string): void {
  if (!key.includes('||')) return;
  const message = `input key/keyPrefix '${key}' can't contain '||'`;
  throw new ApiError('STATE_ILLEGAL_KEY', message, {
    rich: { resource: { type: 'state', name: store }, field: { name: key, description: message } },
  });
}

export interface OpenStore {
  readonly store: StateStore;
  /** Throws ERR_MALFORMED_REQUEST (DAPR_STATE_ILLEGAL_KEY) for a key with `||`. */
  readonly keyOf: (key: string) => string;
  /** From what callers give to what the store keeps, and back. */
  readonly seal: <I extends SaveItem>(item: I) => I;
  readonly unseal: (value: StateValue) => StateValue;
}

export function openStore(
  name: string,
  { store, keyPrefix, encryption }: StateStoreEntry,
): OpenStore {
  return {
    store,
    keyOf(key) {
      checkKey(name, key);
      return keyPrefix + key;
    },
    seal: (item) => (encryption ? { ...item, value: encryption.encrypt(item.value) } : item),
    unseal: (value) => (encryption ? encryption.decrypt(value) : value),
  };
}
