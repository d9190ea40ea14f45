/** gRPC methods of the state block. */
import { ApiError } from '../../../api/api-error.ts';
import type { DeleteItem, SaveItem, StateApi, TransactionItem } from '../../../api/state.ts';
import { EMPTY, unary, type MethodRow } from '../registry.ts';

type Texts = Readonly<Record<string, string>>;

interface Options {
  readonly concurrency: number;
  readonly consistency: number;
}

export interface StateItemMessage {
  readonly key: string;
  readonly value: Buffer;
  readonly etag?: { readonly value: string } | null;
  readonly metadata: Texts;
  readonly options?: Options | null;
}

interface StoreRequest {
  readonly storeName: string;
}

const CONCURRENCY = [undefined, 'first-write', 'last-write'] as const;
const CONSISTENCY = [undefined, 'eventual', 'strong'] as const;
const JSON_TYPE = 'application/json';
const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true });

function deleteItem({ key, etag, metadata, options }: Omit<StateItemMessage, 'value'>): DeleteItem {
  return {
    key,
    etag: etag?.value,
    metadata,
    concurrency: CONCURRENCY[options?.concurrency ?? 0],
    consistency: CONSISTENCY[options?.consistency ?? 0],
  };
}

function valueOf({ value, metadata, key }: StateItemMessage): Uint8Array | string {
  if (metadata['contentType'] !== JSON_TYPE) return new Uint8Array(value);
  try {
    const text = decoder.decode(value);
    JSON.parse(text);
    return text;
  } catch (cause) {
    throw new ApiError(
      'MALFORMED_REQUEST',
      `the value of "${key}" is not the JSON that its contentType says: ${(cause as Error).message}`,
      { cause },
    );
  }
}

function saveItem(item: StateItemMessage): SaveItem {
  return { ...deleteItem(item), value: valueOf(item) };
}

function bytesOf(value: Uint8Array | string | undefined): Uint8Array | undefined {
  return typeof value === 'string' ? encoder.encode(value) : value;
}

interface Operation {
  readonly operationType: string;
  readonly request?: StateItemMessage | null;
}

function transactionItem({ operationType, request }: Operation): TransactionItem {
  const item = request ?? { key: '', value: Buffer.alloc(0), metadata: {} };
  if (operationType === 'upsert') return { operation: 'upsert', ...saveItem(item) };
  if (operationType === 'delete') return { operation: 'delete', ...deleteItem(item) };
  throw new ApiError(
    'STATE_OPERATION_NOT_SUPPORTED',
    `operation type ${operationType} not supported`,
  );
}

export function stateMethods(api: StateApi): MethodRow[] {
  return [
    unary<StoreRequest & { key: string }, object>(
      'GetState',
      async ({ storeName, key }, call) => {
        const { data, etag, metadata } = await api.get(storeName, key, call);
        return { data, etag, metadata };
      },
      { failure: 'STATE_GET' },
    ),
    unary<StoreRequest & { keys: string[] }, object>(
      'GetBulkState',
      async ({ storeName, keys }, call) => {
        const found = await api.getBulk(storeName, keys, call);
        return { items: found.map(({ value, ...rest }) => ({ ...rest, data: bytesOf(value) })) };
      },
      { failure: 'STATE_BULK_GET' },
    ),
    unary<StoreRequest & { states: StateItemMessage[] }, object>(
      'SaveState',
      async ({ storeName, states }, call) => {
        api.require(storeName);
        if (states.some(({ key }) => key === '')) {
          throw new ApiError('STATE_SAVE_KEY_EMPTY', 'state key cannot be empty');
        }
        await api.save(storeName, states.map(saveItem), call);
        return EMPTY;
      },
      { failure: 'STATE_SAVE' },
    ),
    unary<StoreRequest & StateItemMessage, object>(
      'DeleteState',
      async (request, call) => {
        await api.delete(request.storeName, deleteItem(request), call);
        return EMPTY;
      },
      { failure: 'STATE_DELETE' },
    ),
    unary<StoreRequest & { states: StateItemMessage[] }, object>(
      'DeleteBulkState',
      async ({ storeName, states }, call) => {
        await api.deleteBulk(storeName, states.map(deleteItem), call);
        return EMPTY;
      },
      { failure: 'STATE_DELETE' },
    ),
    unary<StoreRequest & { operations: Operation[] }, object>(
      'ExecuteStateTransaction',
      async ({ storeName, operations }, call) => {
        api.require(storeName);
        await api.transact(storeName, operations.map(transactionItem), call);
        return EMPTY;
      },
      { failure: 'STATE_TRANSACTION' },
    ),
    unary<StoreRequest, object>('QueryStateAlpha1', ({ storeName }) => api.query(storeName)),
  ];
}
