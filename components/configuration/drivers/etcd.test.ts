import { Etcd3 } from 'etcd3';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { makeCertificates, startEtcd } from '../../../test/servers/etcd.ts';
import type { TestServer } from '../../../test/servers/process.ts';
import { testOptions } from '../../test-clock.ts';
import { configurationConformance } from '../conformance/suite.ts';
import type { ConfigurationStore } from '../contract.ts';
import { driver } from './etcd.ts';

let server: TestServer;
let plain: Etcd3;
beforeAll(async () => {
  server = await startEtcd();
  plain = new Etcd3({ hosts: `127.0.0.1:${server.port}` });
});
afterAll(async () => {
  plain.close();
  await server.stop();
});

let prefixes = 0;
const prefixOf = new WeakMap<ConfigurationStore, string>();

async function create(metadata: Record<string, string> = {}): Promise<ConfigurationStore> {
  const keyPrefixPath = `conf${prefixes++}`;
  const all = { endpoints: `127.0.0.1:${server.port}`, keyPrefixPath, ...metadata };
  const signal = new AbortController().signal;
  const store = await driver.create(testOptions('configuration.etcd', all), { signal });
  prefixOf.set(store, all.keyPrefixPath === '' ? '' : `${all.keyPrefixPath}/`);
  return store;
}

configurationConformance({
  name: 'configuration.etcd',
  create,
  ownVersions: true,
  async write(store, key, item) {
    const name = prefixOf.get(store)! + key;
    if (item) await plain.put(name).value(item.value);
    else await plain.delete().key(name);
  },
});

/** The values of one key that a subscription delivers. */
async function follow(store: ConfigurationStore, key: string) {
  const values: string[] = [];
  await store.subscribe({ keys: [key] }, async (items) => void values.push(items[key]!.value));
  return values;
}

describe('configuration.etcd', () => {
  it('has keys as they are where no prefix is set, with the revision of the last change as version', async () => {
    await using store = await create({ keyPrefixPath: '' });
    const key = '/services/order-service/db_url';
    await plain.put(key).value('postgres://one');
    const { kvs } = await plain.get(key).exec();
    expect(await store.get({ keys: [key] })).toEqual({
      [key]: { value: 'postgres://one', version: kvs[0]!.mod_revision, metadata: {} },
    });
  });

  it('delivers every change that was made while the server was away, in order', async () => {
    await using own = await startEtcd();
    await using store = await create({ endpoints: `127.0.0.1:${own.port}`, keyPrefixPath: 'a' });
    const client = new Etcd3({ hosts: `127.0.0.1:${own.port}` });
    const values = await follow(store, 'k');
    await client.put('a/k').value('before');
    await vi.waitFor(() => expect(values).toEqual(['before']));
    await own.restart();
    // The client writes as soon as the server is there; the store comes back in its own time.
    const changes = ['one', 'two', 'three'];
    for (const value of changes) await vi.waitFor(() => client.put('a/k').value(value));
    await vi.waitFor(() => expect(values).toEqual(['before', ...changes]), { timeout: 30_000 });
    client.close();
  });

  it('reads again what changed when the revisions in between were compacted', async () => {
    await using own = await startEtcd();
    await using store = await create({
      ...{ endpoints: `127.0.0.1:${own.port}`, keyPrefixPath: 'a', timeout: '2s' },
    });
    const client = new Etcd3({ hosts: `127.0.0.1:${own.port}` });
    await client.put('a/gone').value('1');
    const seen: Record<string, string> = {};
    await store.subscribe({ keys: [] }, async (items) => {
      for (const [key, { value }] of Object.entries(items)) seen[key] = value;
    });
    await own.kill();
    await vi.waitFor(() => expect(store.ping()).rejects.toThrow(/lost/));
    // Nobody watches while another client writes and compacts at once.
    await own.restart();
    const write = async () => {
      await client.delete().key('a/gone');
      const { header } = await client.put('a/k').value('late');
      await client.kv.compact({ revision: header.revision, physical: true });
    };
    await vi.waitFor(write);
    const expected = { gone: '', k: 'late' };
    await vi.waitFor(() => expect(seen).toEqual(expected), { timeout: 30_000 });
    client.close();
  });

  it('takes TLS and user auth, and its watch outlives the tokens of the server', async () => {
    const certificates = await makeCertificates();
    await using own = await startEtcd({ certificates, password: 'secret' });
    const { ca, cert, key } = certificates;
    const tls = { tlsEnable: 'true', ca, cert, key, username: 'root', password: 'secret' };
    await using store = await create({ endpoints: `127.0.0.1:${own.port}`, ...tls });
    await using other = await create({ endpoints: `127.0.0.1:${own.port}`, ...tls });
    await expect(create({ endpoints: `127.0.0.1:${own.port}` })).rejects.toThrow(/cannot reach/);
    expect(await other.get({ keys: [] })).toEqual({});
    const client = new Etcd3({
      hosts: `127.0.0.1:${own.port}`,
      auth: { username: 'root', password: 'secret' },
      credentials: {
        rootCertificate: Buffer.from(ca),
        certChain: Buffer.from(cert),
        privateKey: Buffer.from(key),
      },
    });
    const values = await follow(store, 'k');
    const name = `${prefixOf.get(store)!}k`;
    await client.put(name).value('1');
    await vi.waitFor(() => expect(values).toEqual(['1']));
    await own.restart();
    await vi.waitFor(() => client.put(name).value('2'));
    await vi.waitFor(() => expect(values).toEqual(['1', '2']), { timeout: 30_000 });
    client.close();
  });
});
