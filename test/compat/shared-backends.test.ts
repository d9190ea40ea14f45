/** Troupe and the official daprd on one backend, by the same YAML: what either writes or publishes, the other has. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { componentYaml, startApp, startSidecar } from '../../runtime/cli/sidecar.fixture.ts';
import { startDaprd } from '../servers/dapr.ts';
import { startKafka } from '../servers/kafka.ts';
import { startEtcd } from '../servers/etcd.ts';
import { startPostgresql } from '../servers/postgresql.ts';
import { startRedis } from '../servers/redis.ts';

/** A backend that both open: its YAML, and what ends it. */
interface Shared extends AsyncDisposable {
  readonly yaml: string;
}

const STORES: Record<string, () => Promise<Shared>> = {
  async 'state.sqlite'() {
    const folder = await mkdtemp(join(tmpdir(), 'troupe-shared-'));
    const yaml = componentYaml('store', 'state.sqlite', {
      connectionString: join(folder, 'state.db'),
    });
    return { yaml, [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) };
  },
  async 'state.redis'() {
    const server = await startRedis();
    const redisHost = `127.0.0.1:${server.port}`;
    const yaml = componentYaml('store', 'state.redis', { redisHost });
    return { yaml, [Symbol.asyncDispose]: () => server.stop() };
  },
  async 'state.postgresql v2'() {
    const server = await startPostgresql();
    const connectionString = `postgres://postgres@127.0.0.1:${server.port}/postgres`;
    const yaml = componentYaml('store', 'state.postgresql', { connectionString });
    return {
      yaml: yaml.replace('version: v1', 'version: v2'),
      [Symbol.asyncDispose]: () => server.stop(),
    };
  },
};

for (const version of ['v1', 'v2'])
  STORES[`state.etcd ${version}`] = async () => {
    const server = await startEtcd();
    const endpoints = `127.0.0.1:${server.port}`;
    const yaml = componentYaml('store', 'state.etcd', { endpoints, keyPrefixPath: 'shop' });
    return {
      yaml: yaml.replace('version: v1', `version: ${version}`),
      [Symbol.asyncDispose]: () => server.stop(),
    };
  };

/** A state store as an app sees it. */
function storeAt(base: string) {
  const url = `${base}/v1.0/state/store`;
  return {
    async save(key: string, value: unknown, more: object = {}): Promise<number> {
      const body = JSON.stringify([{ key, value, ...more }]);
      return (await fetch(url, { method: 'POST', body })).status;
    },
    async read(key: string): Promise<{ status: number; value: unknown; etag: string | null }> {
      const answer = await fetch(`${url}/${key}`);
      const text = await answer.text();
      const value: unknown = text === '' ? undefined : JSON.parse(text);
      return { status: answer.status, value, etag: answer.headers.get('etag') };
    },
    async remove(key: string, etag: string): Promise<number> {
      const headers = { 'if-match': etag };
      return (await fetch(`${url}/${key}`, { method: 'DELETE', headers })).status;
    },
    async transact(operations: readonly object[]): Promise<number> {
      const body = JSON.stringify({ operations });
      return (await fetch(`${url}/transaction`, { method: 'POST', body })).status;
    },
  };
}

describe.each(Object.keys(STORES))('%s', (name) => {
  it('keeps what each wrote, with one etag for both', async () => {
    await using shared = await STORES[name]!();
    await using theirs = await startDaprd({
      appId: 'shop',
      resources: { 'store.yaml': shared.yaml },
    });
    await using ours = await startSidecar({ appId: 'shop', resources: [shared.yaml] });
    await ours.healthy();
    const troupe = storeAt(ours.base);
    const daprd = storeAt(`http://127.0.0.1:${theirs.httpPort}`);
    for (const [writer, reader] of [
      [troupe, daprd],
      [daprd, troupe],
    ] as const) {
      expect(await writer.save('k', { n: 1, text: 'ü' })).toBe(204);
      const first = await reader.read('k');
      expect(first).toMatchObject({ status: 200, value: { n: 1, text: 'ü' } });
      expect((await writer.read('k')).etag).toBe(first.etag);
      expect(await reader.save('k', 2, { etag: first.etag })).toBe(204);
      expect(await writer.save('k', 3, { etag: first.etag }), 'an old etag').toBe(409);
      const second = await writer.read('k');
      expect(second.value).toBe(2);
      const options = { concurrency: 'first-write' };
      expect(await reader.save('k', 4, { etag: first.etag, options })).toBe(409);
      expect(await writer.remove('k', second.etag!)).toBe(204);
      expect((await reader.read('k')).status).toBe(204);
      const upsert = (key: string, value: unknown) => ({
        operation: 'upsert',
        request: { key, value },
      });
      expect(await writer.transact([upsert('a', 1), upsert('b', [2])])).toBe(204);
      expect((await reader.read('b')).value).toEqual([2]);
      const remove = { operation: 'delete', request: { key: 'a' } };
      expect(await reader.transact([remove, upsert('b', 3)])).toBe(204);
      expect((await writer.read('a')).status).toBe(204);
      expect((await writer.read('b')).value).toBe(3);
    }
  });

  it('ends for both what one of them gave a time to live', async () => {
    await using shared = await STORES[name]!();
    await using theirs = await startDaprd({
      appId: 'shop',
      resources: { 'store.yaml': shared.yaml },
    });
    await using ours = await startSidecar({ appId: 'shop', resources: [shared.yaml] });
    await ours.healthy();
    const troupe = storeAt(ours.base);
    const daprd = storeAt(`http://127.0.0.1:${theirs.httpPort}`);
    // Long enough to be read before, however busy the machine is.
    const metadata = { ttlInSeconds: '5' };
    expect(await troupe.save('ours', 1, { metadata })).toBe(204);
    expect(await daprd.save('theirs', 1, { metadata })).toBe(204);
    expect((await daprd.read('ours')).value).toBe(1);
    expect((await troupe.read('theirs')).value).toBe(1);
    await vi.waitFor(
      async () => {
        expect((await daprd.read('ours')).status).toBe(204);
        expect((await troupe.read('theirs')).status).toBe(204);
      },
      { timeout: 30_000, interval: 100 },
    );
  });
});

/** An app that takes topic `orders`, and what it was given. */
async function startSubscriber() {
  const events: { id: string; data: unknown; source: string }[] = [];
  const app = await startApp(({ method, url, body }, response) => {
    if (url === '/dapr/subscribe') {
      const route = { pubsubname: 'pubsub', topic: 'orders', route: '/orders' };
      return response.setHeader('content-type', 'application/json').end(JSON.stringify([route]));
    }
    if (method !== 'POST' || url !== '/orders') return undefined;
    events.push(JSON.parse(body) as (typeof events)[number]);
    return response.end('{"status":"SUCCESS"}');
  });
  return { app, events, [Symbol.asyncDispose]: () => app[Symbol.asyncDispose]() };
}

const BROKERS: Readonly<Record<string, () => Promise<Shared>>> = {
  async 'pubsub.redis'() {
    const server = await startRedis();
    const redisHost = `127.0.0.1:${server.port}`;
    const yaml = componentYaml('pubsub', 'pubsub.redis', { redisHost });
    return { yaml, [Symbol.asyncDispose]: () => server.stop() };
  },
  async 'pubsub.kafka'() {
    const server = await startKafka();
    const yaml = componentYaml('pubsub', 'pubsub.kafka', {
      brokers: `127.0.0.1:${server.port}`,
      authType: 'none',
      initialOffset: 'oldest',
    });
    return { yaml, [Symbol.asyncDispose]: () => server.stop() };
  },
};

it.each(Object.keys(BROKERS))(
  '%s carries events of each to the subscriber of the other',
  async (name) => {
    await using shared = await BROKERS[name]!();
    const { yaml } = shared;
    await using left = await startSubscriber();
    await using right = await startSubscriber();
    await using theirs = await startDaprd({
      appId: 'theirs',
      appPort: left.app.port,
      resources: { 'pubsub.yaml': yaml },
    });
    await using ours = await startSidecar({
      appId: 'ours',
      args: [`--app-port=${right.app.port}`],
      resources: [yaml],
    });
    await ours.healthy();
    const bases = { ours: ours.base, theirs: `http://127.0.0.1:${theirs.httpPort}` };
    for (const [from, base] of Object.entries(bases)) {
      const published = await fetch(`${base}/v1.0/publish/pubsub/orders`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ from }),
      });
      expect(published.status).toBe(204);
    }
    const expected = expect.arrayContaining([
      expect.objectContaining({ data: { from: 'ours' }, source: 'ours' }),
      expect.objectContaining({ data: { from: 'theirs' }, source: 'theirs' }),
    ]) as unknown;
    await vi.waitFor(
      () => {
        expect(left.events).toEqual(expected);
        expect(right.events).toEqual(expected);
      },
      { timeout: 60_000 },
    );
  },
);
