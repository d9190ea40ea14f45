/**
 * A state store in a component process. It has what its features say; Dapr's
 * protocol has no ordered index, so actors cannot live in one.
 */
import type { ComponentOptions, Driver } from '../../components/component.ts';
import type {
  SetOperation,
  StateItem,
  StateOperation,
  StateStore,
  StateValue,
} from '../../components/state/contract.ts';
import { ComponentError } from '../core/errors.ts';
import { CODES, GrpcError } from '../transport/grpc/status.ts';
import { decodeDetails } from '../transport/grpc/status-details.ts';
import {
  pluggableDriver,
  PACKAGE,
  type Pluggable,
  type PluggableConnection,
} from './pluggable-connection.ts';

const SERVICE = 'StateStore';
const TRANSACTIONS = 'TransactionalStateStore';
const FIRST_WRITE = 1;
const JSON_TYPE = 'application/json';
const encoder = new TextEncoder();
const strict = new TextDecoder('utf-8', { fatal: true });

interface Row {
  readonly key: string;
  readonly data: Buffer;
  readonly etag?: { readonly value: string } | null;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly contentType: string;
  readonly error?: string;
}

/** The protocol has bytes only: what reads as JSON was saved as JSON. */
function valueOf({ data, contentType }: Row): StateValue {
  if (contentType !== '' && contentType !== JSON_TYPE) return Buffer.from(data);
  try {
    const text = strict.decode(data);
    JSON.parse(text);
    return text;
  } catch {
    return Buffer.from(data);
  }
}

function itemOf(key: string, row: Row): StateItem {
  const expiresAt = Date.parse(row.metadata?.['ttlExpireTime'] ?? '');
  return {
    key,
    ...(row.data.byteLength > 0 ? { value: valueOf(row) } : {}),
    ...(row.etag ? { etag: row.etag.value } : {}),
    ...(Number.isNaN(expiresAt) ? {} : { expiresAt }),
  };
}

function setRequest({ key, value, etag, firstWrite, ttlSeconds }: SetOperation): object {
  return {
    key,
    value: typeof value === 'string' ? encoder.encode(value) : value,
    ...(etag === undefined ? {} : { etag: { value: etag } }),
    ...(ttlSeconds === undefined ? {} : { metadata: { ttlInSeconds: String(ttlSeconds) } }),
    ...(firstWrite ? { options: { concurrency: FIRST_WRITE } } : {}),
    ...(typeof value === 'string' ? { contentType: JSON_TYPE } : {}),
  };
}

const deleteRequest = (key: string, etag: string | undefined): object => ({
  key,
  ...(etag === undefined ? {} : { etag: { value: etag } }),
});

/** An etag that does not hold is told by a violation of the field `etag` in the status' details. */
function etagFailure(options: ComponentOptions, key: string, error: unknown): unknown {
  const { cause } = error as { cause?: unknown };
  if (!(cause instanceof GrpcError)) return error;
  const { code, details } = cause.status;
  if (code !== CODES.FAILED_PRECONDITION && code !== CODES.INVALID_ARGUMENT) return error;
  const named = decodeDetails(details ?? new Uint8Array(0)).some(
    ({ typeUrl, value }) =>
      typeUrl.endsWith('/google.rpc.BadRequest') && Buffer.from(value).includes('etag'),
  );
  if (!named) return error;
  return code === CODES.FAILED_PRECONDITION
    ? new ComponentError(options, `the etag of "${key}" does not match`, {
        code: 'CONFLICT',
        details: { key },
        cause,
      })
    : new ComponentError(options, `the etag given for "${key}" is not one of this store`, {
        code: 'INVALID_ARGUMENT',
        cause,
      });
}

export const pluggableState = (pluggable: Pluggable): Driver<StateStore> =>
  pluggableDriver(pluggable, SERVICE, (options, connection, features) => {
    const hasTransactions = pluggable.services.has(`${PACKAGE}.${TRANSACTIONS}`);
    return storeOf(
      options,
      connection,
      hasTransactions ? features : features.filter((name) => name !== 'TRANSACTIONAL'),
    );
  });

function storeOf(
  options: ComponentOptions,
  connection: PluggableConnection,
  features: readonly string[],
): StateStore {
  const lacking = (what: string): ComponentError =>
    new ComponentError(options, `pluggable state stores have no ${what}`, { code: 'UNSUPPORTED' });
  return {
    features,
    ping: (given) => connection.ping(SERVICE, given),
    async get(key, given) {
      const row = await connection.call<object, Row>(SERVICE, 'Get', { key }, given);
      const item = itemOf(key, row);
      return item.value === undefined ? undefined : item;
    },
    async getBulk(keys, given) {
      const items = keys.map((key) => ({ key }));
      const reply = await connection.call<object, { items?: Row[] }>(
        SERVICE,
        'BulkGet',
        { items },
        given,
      );
      const rows = new Map((reply.items ?? []).map((row) => [row.key, row]));
      return keys.map((key) => {
        const row = rows.get(key);
        if (!row) return { key };
        if (row.error) throw new ComponentError(options, `"${key}": ${row.error}`);
        return itemOf(key, row);
      });
    },
    async apply(operation, given) {
      if (operation.kind === 'delete-prefix') throw lacking('delete by prefix');
      try {
        if (operation.kind === 'set') {
          await connection.call(SERVICE, 'Set', setRequest(operation), given);
        } else {
          const request = deleteRequest(operation.key, operation.etag);
          await connection.call(SERVICE, 'Delete', request, given);
        }
      } catch (error) {
        throw etagFailure(options, operation.key, error);
      }
      return undefined;
    },
    async transact(operations, given) {
      if (!features.includes('TRANSACTIONAL')) throw lacking('transactions here');
      const requests = operations.map((operation: StateOperation) => {
        if (operation.kind === 'set') return { set: setRequest(operation) };
        if (operation.kind === 'delete') {
          return { delete: deleteRequest(operation.key, operation.etag) };
        }
        throw lacking(operation.kind === 'check' ? 'conditions without a write' : 'such deletes');
      });
      try {
        await connection.call(TRANSACTIONS, 'Transact', { operations: requests }, given);
      } catch (error) {
        const first = operations[0];
        throw etagFailure(options, first && 'key' in first ? first.key : '', error);
      }
      return operations.map(() => undefined);
    },
    range: () => Promise.reject(lacking('ordered index')),
    close: connection.close,
    [Symbol.asyncDispose]: connection.close,
  };
}
