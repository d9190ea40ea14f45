/** The client over Dapr's gRPC API; loaded for a `grpc://` address only. */
import { TroupeError } from '../core/errors.ts';
import { bytesOfAny, typeOfAny, type AnyBytes } from '../transport/grpc/any.ts';
import { decodeValue, encodeValue } from '../transport/grpc/struct.ts';
import { failureInside } from './failures.ts';
import { createDaprCalls } from './grpc-call.ts';
import {
  itemsOf,
  subscribe,
  throughCrypto,
  watchConfiguration,
  type ItemsMessage,
} from './grpc-streams.ts';
import type { SidecarMetadata } from './types.ts';
import type { Wire, WireWrite } from './wire.ts';

const VERBS: Readonly<Record<string, number>> = { GET: 1, POST: 3, PUT: 4, DELETE: 5, PATCH: 9 };
const VALUE_TYPE = 'type.googleapis.com/google.protobuf.Value';
const FIRST_WRITE = { concurrency: 1, consistency: 0 };

function itemOf({ key, json, etag, firstWrite, metadata }: WireWrite): object {
  return {
    key,
    ...(json === undefined ? {} : { value: Buffer.from(json) }),
    ...(etag === undefined ? {} : { etag: { value: etag } }),
    ...(firstWrite ? { options: FIRST_WRITE } : {}),
    metadata,
  };
}

interface StateMessage {
  readonly key: string;
  readonly data: Buffer;
  readonly etag: string;
  readonly error: string;
}

interface MetadataMessage extends Omit<SidecarMetadata, 'components' | 'extended'> {
  readonly registeredComponents: SidecarMetadata['components'];
  readonly extendedMetadata: Readonly<Record<string, string>>;
}

interface JobMessage {
  readonly name: string;
  readonly schedule?: string | null;
  readonly dueTime?: string | null;
  readonly repeats?: number | null;
  readonly ttl?: string | null;
  readonly data?: AnyBytes | null;
}

/** What an app of any SDK put into a job: a Value, or bytes that are JSON text, or only bytes. */
function jsonOfAny(data: AnyBytes): string | undefined {
  if (typeOfAny(data) === VALUE_TYPE) return decodeValue(data.value);
  const text = Buffer.from(bytesOfAny(data)).toString();
  try {
    return JSON.stringify(JSON.parse(text));
  } catch {
    return JSON.stringify(text);
  }
}

export function createGrpcWire(base: URL, apiToken: string | undefined): Wire {
  const calls = createDaprCalls(base, apiToken);
  const { unary } = calls;

  return {
    async callActor({ type, id, method, key }, data, limits) {
      const request = { actorType: type, actorId: id, method, data };
      const metadata = key === undefined ? undefined : { 'idempotency-key': key };
      const answer = await unary<{ data: Buffer }>('InvokeActor', request, limits, metadata);
      const failure = failureInside(answer.data);
      if (failure) throw failure;
      return answer.data;
    },
    async getState(storeName, key, metadata, limits) {
      const item = await unary<StateMessage>('GetState', { storeName, key, metadata }, limits);
      return { key, data: item.data, etag: item.etag };
    },
    async getManyStates(storeName, keys, metadata, limits) {
      const request = { storeName, keys, metadata };
      const { items } = await unary<{ items: StateMessage[] }>('GetBulkState', request, limits);
      for (const { key, error } of items) {
        if (error !== '')
          throw new TroupeError('COMPONENT', `${storeName}, key "${key}": ${error}`);
      }
      return items;
    },
    async saveState(storeName, write, limits) {
      const item = itemOf(write);
      if (write.json === undefined) await unary('DeleteState', { storeName, ...item }, limits);
      else await unary('SaveState', { storeName, states: [item] }, limits);
    },
    async transact(storeName, writes, metadata, limits) {
      const operations = writes.map((write) => ({
        operationType: write.json === undefined ? 'delete' : 'upsert',
        request: itemOf(write),
      }));
      await unary('ExecuteStateTransaction', { storeName, operations, metadata }, limits);
    },
    async publish(pubsubName, topic, { data, contentType }, metadata, limits) {
      const request = { pubsubName, topic, data, dataContentType: contentType, metadata };
      await unary('PublishEvent', request, limits);
    },
    async publishMany(pubsubName, topic, events, metadata, limits) {
      const entries = events.map(({ data, contentType }, index) => ({
        entryId: String(index),
        event: data,
        contentType,
      }));
      const { failedEntries } = await unary<{ failedEntries: { entryId: string }[] }>(
        'BulkPublishEventAlpha1',
        { pubsubName, topic, entries, metadata },
        limits,
      );
      return failedEntries.map(({ entryId }) => Number(entryId));
    },
    subscribe: (pubsub, topic, handler, options) =>
      subscribe(calls, pubsub, topic, handler, options),
    async invoke({ appId, method, verb, query, body, contentType, metadata }, limits) {
      const message = {
        method,
        data: { type_url: '', value: body },
        contentType,
        httpExtension: { verb: VERBS[verb], querystring: query },
      };
      const request = { id: appId, message };
      const answer = await unary<{ data?: AnyBytes | null }>(
        'InvokeService',
        request,
        limits,
        metadata,
      );
      return bytesOfAny(answer.data);
    },
    async secret(storeName, key, metadata, limits) {
      const request = { storeName, key, metadata };
      const { data } = await unary<{ data: Record<string, string> }>('GetSecret', request, limits);
      return { ...data };
    },
    async secrets(storeName, metadata, limits) {
      const { data } = await unary<{ data: Record<string, { secrets: Record<string, string> }> }>(
        'GetBulkSecret',
        { storeName, metadata },
        limits,
      );
      return Object.fromEntries(
        Object.entries(data).map(([key, { secrets }]) => [key, { ...secrets }]),
      );
    },
    async configuration(storeName, keys, metadata, limits) {
      const request = { storeName, keys, metadata };
      return itemsOf(await unary<ItemsMessage>('GetConfiguration', request, limits));
    },
    watchConfiguration: (store, keys, changed, options) =>
      watchConfiguration(calls, store, keys, changed, options),
    async tryLock(storeName, { resource, owner, seconds }, limits) {
      const request = {
        storeName,
        resourceId: resource,
        lockOwner: owner,
        expiryInSeconds: seconds,
      };
      return (await unary<{ success: boolean }>('TryLockAlpha1', request, limits)).success;
    },
    async unlock(storeName, resourceId, lockOwner, limits) {
      const request = { storeName, resourceId, lockOwner };
      return (await unary<{ status: number }>('UnlockAlpha1', request, limits)).status;
    },
    async scheduleJob({ json, ...spec }, overwrite, limits) {
      const data =
        json === undefined ? {} : { data: { type_url: VALUE_TYPE, value: encodeValue(json) } };
      await unary('ScheduleJob', { job: { ...spec, ...data }, overwrite }, limits);
    },
    async getJob(name, limits) {
      const { job } = await unary<{ job: JobMessage }>('GetJob', { name }, limits);
      const { data, schedule, dueTime, repeats, ttl } = job;
      return {
        name,
        ...(schedule == null ? {} : { schedule }),
        ...(dueTime == null ? {} : { dueTime }),
        ...(repeats == null ? {} : { repeats }),
        ...(ttl == null ? {} : { ttl }),
        ...(data ? { json: jsonOfAny(data) } : {}),
      };
    },
    async deleteJob(name, limits) {
      await unary('DeleteJob', { name }, limits);
    },
    async binding(name, operation, { bytes }, metadata, limits) {
      const request = { name, operation, data: bytes, metadata };
      const answer = await unary<{ data: Buffer; metadata: Record<string, string> }>(
        'InvokeBinding',
        request,
        limits,
      );
      return { data: answer.data, metadata: { ...answer.metadata } };
    },
    encrypt: (componentName, plain, { name, algorithm }, limits) =>
      throughCrypto(
        calls,
        'EncryptAlpha1',
        { componentName, keyName: name, keyWrapAlgorithm: algorithm },
        plain,
        limits,
      ),
    decrypt: (componentName, sealed, keyName = '', limits) =>
      throughCrypto(calls, 'DecryptAlpha1', { componentName, keyName }, sealed, limits),
    async metadata(limits) {
      const found = await unary<MetadataMessage>('GetMetadata', {}, limits);
      return {
        id: found.id,
        runtimeVersion: found.runtimeVersion,
        components: found.registeredComponents.map(({ name, type, version, capabilities }) => ({
          name,
          type,
          version,
          capabilities,
        })),
        extended: { ...found.extendedMetadata },
      };
    },
    async setMetadata(key, value, limits) {
      await unary('SetMetadata', { key, value }, limits);
    },
    async isHealthy(limits) {
      await unary('GetMetadata', {}, limits);
      return true;
    },
    close: () => calls.close(),
  };
}
