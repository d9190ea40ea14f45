/** The client over Dapr's HTTP API. Streams need gRPC, and say so. */
import { firstOf } from '../transport/grpc/metadata.ts';
import { TroupeError } from '../core/errors.ts';
import { answeredFailure } from './failures.ts';
import { createSender, type Answer } from './http-send.ts';
import type { ConfigurationItem, SidecarMetadata } from './types.ts';
import type { Limits, Wire, WireEvent, WireItem, WireJob, WireWrite } from './wire.ts';

const part = encodeURIComponent;

function query(metadata: Readonly<Record<string, string>>, more = ''): string {
  const pairs = Object.entries(metadata).map(
    ([name, value]) => `metadata.${part(name)}=${part(value)}`,
  );
  const text = [more, ...pairs].filter((one) => one !== '').join('&');
  return text === '' ? '' : `?${text}`;
}

function jsonOf<T>({ body }: Answer): T {
  return (body.length === 0 ? undefined : JSON.parse(body.toString())) as T;
}

/** `value` is JSON text already, which keeps numbers to the digit. */
function itemText({ key, json, etag, firstWrite, metadata }: WireWrite): string {
  const rest = JSON.stringify({
    key,
    ...(etag === undefined ? {} : { etag }),
    ...(firstWrite ? { options: { concurrency: 'first-write' } } : {}),
    ...(Object.keys(metadata).length === 0 ? {} : { metadata }),
  });
  return json === undefined ? rest : `${rest.slice(0, -1)},"value":${json}}`;
}

/** The event of a bulk publish, which is JSON there: bytes as base64. */
function eventText({ data, contentType }: WireEvent, index: number): string {
  const text = Buffer.from(data);
  const event =
    contentType === 'application/json'
      ? text.toString()
      : JSON.stringify(text.toString(contentType.startsWith('text/') ? 'utf8' : 'base64'));
  return `{"entryId":"${index}","contentType":${JSON.stringify(contentType)},"event":${event}}`;
}

function needsGrpc(what: string): Promise<never> {
  return Promise.reject(
    new TroupeError(
      'UNSUPPORTED',
      `${what} is a stream, which Dapr has over gRPC only; give the client a grpc:// address`,
    ),
  );
}

interface JobText {
  readonly name?: string;
  readonly schedule?: string;
  readonly dueTime?: string;
  readonly repeats?: number;
  readonly ttl?: string;
  readonly data?: unknown;
}

function jobOf(name: string, { data, ...spec }: JobText): WireJob {
  const value =
    typeof data === 'object' && data !== null && '@type' in data && 'value' in data
      ? data.value
      : data;
  return { ...spec, name, ...(value === undefined ? {} : { json: JSON.stringify(value) }) };
}

export function createHttpWire(base: URL, apiToken: string | undefined): Wire {
  const { send, close } = createSender(base, apiToken);
  const post = (path: string, body: string, limits: Limits): Promise<Answer> =>
    send('POST', path, { body }, limits);

  return {
    async callActor({ type, id, method, key }, body, limits) {
      const path = `/v1.0/actors/${part(type)}/${part(id)}/method/${part(method)}`;
      const headers = {
        'troupe-timeout-ms': String(limits.timeoutMs),
        ...(key === undefined ? {} : { 'idempotency-key': key }),
      };
      const answer = await send('PUT', path, { body, headers }, limits);
      if (answer.headers['x-daprerrorresponseheader'] === 'true') {
        throw answeredFailure(answer.body);
      }
      return answer.body;
    },
    async getState(store, key, metadata, limits): Promise<WireItem> {
      const path = `/v1.0/state/${part(store)}/${part(key)}${query(metadata)}`;
      const { body, headers } = await send('GET', path, {}, limits);
      return { key, data: body, etag: firstOf(headers.etag) ?? '' };
    },
    async getManyStates(store, keys, metadata, limits) {
      const path = `/v1.0/state/${part(store)}/bulk${query(metadata)}`;
      const answer = await post(path, JSON.stringify({ keys }), limits);
      const found = jsonOf<{ key: string; data?: unknown; etag?: string }[]>(answer);
      return found.map(({ key, data, etag = '' }) => ({
        key,
        data: Buffer.from(data === undefined ? '' : JSON.stringify(data)),
        etag,
      }));
    },
    async saveState(store, write, limits) {
      if (write.json !== undefined) {
        await post(`/v1.0/state/${part(store)}`, `[${itemText(write)}]`, limits);
        return;
      }
      const first = write.firstWrite ? 'concurrency=first-write' : '';
      const path = `/v1.0/state/${part(store)}/${part(write.key)}${query(write.metadata, first)}`;
      const headers = write.etag === undefined ? {} : { 'if-match': write.etag };
      await send('DELETE', path, { headers }, limits);
    },
    async transact(store, writes, metadata, limits) {
      const operations = writes.map(
        (write) =>
          `{"operation":"${write.json === undefined ? 'delete' : 'upsert'}","request":${itemText(write)}}`,
      );
      const body = `{"operations":[${operations.join(',')}],"metadata":${JSON.stringify(metadata)}}`;
      await post(`/v1.0/state/${part(store)}/transaction`, body, limits);
    },
    async publish(pubsub, topic, { data, contentType }, metadata, limits) {
      const path = `/v1.0/publish/${part(pubsub)}/${part(topic)}${query(metadata)}`;
      await send('POST', path, { body: data, headers: { 'content-type': contentType } }, limits);
    },
    async publishMany(pubsub, topic, events, metadata, limits) {
      const path = `/v1.0/publish/bulk/${part(pubsub)}/${part(topic)}${query(metadata)}`;
      await post(path, `[${events.map(eventText).join(',')}]`, limits);
      return [];
    },
    subscribe: () => needsGrpc('a subscription'),
    async invoke({ appId, method, verb, query: asked, body, contentType, metadata }, limits) {
      const path = `/v1.0/invoke/${part(appId)}/method/${method}${asked === '' ? '' : `?${asked}`}`;
      const headers = { ...metadata, 'content-type': contentType };
      return (await send(verb, path, { ...(verb === 'GET' ? {} : { body }), headers }, limits))
        .body;
    },
    async secret(store, key, metadata, limits) {
      const path = `/v1.0/secrets/${part(store)}/${part(key)}${query(metadata)}`;
      return jsonOf(await send('GET', path, {}, limits));
    },
    async secrets(store, metadata, limits) {
      return jsonOf(
        await send('GET', `/v1.0/secrets/${part(store)}/bulk${query(metadata)}`, {}, limits),
      );
    },
    async configuration(store, keys, metadata, limits) {
      const asked = keys.map((key) => `key=${part(key)}`).join('&');
      const path = `/v1.0/configuration/${part(store)}${query(metadata, asked)}`;
      const found = jsonOf<Record<string, Partial<ConfigurationItem>> | undefined>(
        await send('GET', path, {}, limits),
      );
      return Object.fromEntries(
        Object.entries(found ?? {}).map(
          ([key, { value = '', version = '', metadata: about = {} }]) => [
            key,
            { value, version, metadata: about },
          ],
        ),
      );
    },
    watchConfiguration: () => needsGrpc('a subscription to configuration'),
    async tryLock(store, { resource, owner, seconds }, limits) {
      const body = { resourceId: resource, lockOwner: owner, expiryInSeconds: seconds };
      const answer = await post(`/v1.0-alpha1/lock/${part(store)}`, JSON.stringify(body), limits);
      return jsonOf<{ success?: boolean }>(answer).success === true;
    },
    async unlock(store, resource, owner, limits) {
      const body = { resourceId: resource, lockOwner: owner };
      const answer = await post(`/v1.0-alpha1/unlock/${part(store)}`, JSON.stringify(body), limits);
      return jsonOf<{ status?: number }>(answer).status ?? 0;
    },
    async scheduleJob({ name, json, ...spec }, overwrite, limits) {
      const text = JSON.stringify({ ...spec, overwrite });
      const body = json === undefined ? text : `${text.slice(0, -1)},"data":${json}}`;
      await post(`/v1.0/jobs/${part(name)}`, body, limits);
    },
    async getJob(name, limits) {
      return jobOf(name, jsonOf(await send('GET', `/v1.0/jobs/${part(name)}`, {}, limits)));
    },
    async deleteJob(name, limits) {
      await send('DELETE', `/v1.0/jobs/${part(name)}`, {}, limits);
    },
    async binding(name, operation, { json = 'null' }, metadata, limits) {
      const head = JSON.stringify({ operation, metadata });
      const body = `${head.slice(0, -1)},"data":${json}}`;
      const answer = await post(`/v1.0/bindings/${part(name)}`, body, limits);
      const answered = Object.entries(answer.headers).flatMap(([header, value]) =>
        header.startsWith('metadata.') ? [[header.slice(9), firstOf(value) ?? '']] : [],
      );
      return {
        data: answer.body,
        metadata: Object.fromEntries(answered) as Record<string, string>,
      };
    },
    async encrypt(component, plain, { name, algorithm }, limits) {
      const headers = {
        'content-type': 'application/octet-stream',
        'dapr-key-name': name,
        'dapr-key-wrap-algorithm': algorithm,
      };
      const path = `/v1.0-alpha1/crypto/${part(component)}/encrypt`;
      return (await send('PUT', path, { body: plain, headers }, limits)).body;
    },
    async decrypt(component, sealed, keyName, limits) {
      const headers = {
        'content-type': 'application/octet-stream',
        ...(keyName === undefined ? {} : { 'dapr-key-name': keyName }),
      };
      const path = `/v1.0-alpha1/crypto/${part(component)}/decrypt`;
      return (await send('PUT', path, { body: sealed, headers }, limits)).body;
    },
    async metadata(limits) {
      const found = jsonOf<Partial<SidecarMetadata>>(
        await send('GET', '/v1.0/metadata', {}, limits),
      );
      const { id = '', runtimeVersion = '', components = [], extended = {} } = found;
      return { id, runtimeVersion, components, extended };
    },
    async setMetadata(key, value, limits) {
      const headers = { 'content-type': 'text/plain' };
      await send('PUT', `/v1.0/metadata/${part(key)}`, { body: value, headers }, limits);
    },
    async isHealthy(limits) {
      return (await send('GET', '/v1.0/healthz', {}, limits)).status === 204;
    },
    close() {
      close();
      return Promise.resolve();
    },
  };
}
