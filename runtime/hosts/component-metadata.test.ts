import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { component } from '../config/component.ts';
import type { ComponentSpec, MetadataItem } from '../config/component.ts';
import { createLoader, spec } from './component-probe.ts';
import type { Loader, Overrides } from './component-probe.ts';

let trial: Loader;
beforeEach(() => {
  trial = createLoader();
});

describe('references and templates', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'troupe-components-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  it('a secret comes from the store that auth.secretStore names, wherever that stands in the list', async () => {
    const file = join(folder, 'secrets.json');
    await writeFile(file, JSON.stringify({ db: { url: 'secret-url' } }));
    const loaded = await trial.load([
      spec('a', 'state.probe', [{ name: 'url', secretKeyRef: { name: 'db:url', key: 'db:url' } }], {
        secretStore: 'vault',
      }),
      component('vault', 'secretstores.local.file', { secretsFile: file }),
    ]);
    await using _ = loaded;
    expect(trial.given[0]!.metadata).toEqual({ url: 'secret-url' });
  });

  it('a secret store may take its own secrets from another', async () => {
    await using _ = await trial.load(
      [
        spec(
          'second',
          'secretstores.probe',
          [{ name: 'url', secretKeyRef: { name: 'x', key: 'y' } }],
          { secretStore: 'first' },
        ),
        component('first', 'secretstores.probe'),
      ],
      { secrets: { secrets: { x: { y: 'z' } } } },
    );
    expect(trial.given.map(({ name, metadata }) => [name, metadata])).toEqual([
      ['first', {}],
      ['second', { url: 'z' }],
    ]);
  });

  it('fills in app id, namespace, pod name and a fresh uuid', async () => {
    await using _ = await trial.load(
      [
        component('a', 'state.probe', {
          url: '{appID} {namespace} {podName} {uuid} {uuid} {other}',
        }),
      ],
      { env: { NAMESPACE: 'prod', POD_NAME: 'pod-1' } },
    );
    const words = trial.given[0]!.metadata['url']!.split(' ');
    expect(words.slice(0, 3)).toEqual(['shop', 'prod.shop', 'pod-1']);
    expect(words[3]).toMatch(/^[0-9a-f-]{36}$/);
    expect(words[4]).not.toBe(words[3]);
    expect(words[5]).toBe('{other}');
  });

  it('reads the environment that it is given', async () => {
    await using _ = await trial.load(
      [spec('a', 'state.probe', [{ name: 'url', envRef: 'DB_URL' }])],
      {
        env: { DB_URL: 'from-env' },
      },
    );
    expect(trial.given[0]!.metadata).toEqual({ url: 'from-env' });
  });

  it.each<[string, MetadataItem, Partial<ComponentSpec>, Overrides, string]>([
    [
      'no secret store named',
      { name: 'url', secretKeyRef: { name: 'x', key: 'y' }, line: 4 },
      {},
      {},
      'component "a" (state.probe): c.yaml:4: metadata field "url" has a secretKeyRef, but the component names no secret store; add auth.secretStore',
    ],
    [
      'a secret store that is not there',
      { name: 'url', secretKeyRef: { name: 'x', key: 'y' }, line: 4 },
      { secretStore: 'vualt' },
      {},
      'component "a" (state.probe): c.yaml:4: metadata field "url" needs secret store "vualt", which is not loaded (loaded: vault)',
    ],
    [
      'a secret that is not there',
      { name: 'url', secretKeyRef: { name: 'x', key: 'y' }, line: 4 },
      { secretStore: 'vault' },
      {},
      'component "a" (state.probe): c.yaml:4: metadata field "url": secret "x" of store "vault" cannot be read: no such secret',
    ],
    [
      'a key that is not in the secret',
      { name: 'url', secretKeyRef: { name: 'x', key: 'y' } },
      { secretStore: 'vault' },
      { secrets: { secrets: { x: { other: '1' } } } },
      'component "a" (state.probe): metadata field "url": secret "x" of store "vault" has no key "y"; put it there or correct secretKeyRef.key',
    ],
    [
      'a variable that is not set',
      { name: 'url', envRef: 'DB_URL' },
      {},
      {},
      'component "a" (state.probe): metadata field "url": the environment variable DB_URL is not set; set it, or give a value',
    ],
    [
      'a variable of the sidecar',
      { name: 'url', envRef: 'DAPR_API_TOKEN' },
      {},
      { env: { DAPR_API_TOKEN: 'hush' } },
      'component "a" (state.probe): metadata field "url": the environment variable DAPR_API_TOKEN may not be read by components',
    ],
    [
      'a variable beside the allowed ones',
      { name: 'url', envRef: 'HOME' },
      {},
      { env: { HOME: '/', DAPR_ENV_KEYS: 'A HOMES' } },
      'component "a" (state.probe): metadata field "url": the environment variable HOME is not listed in DAPR_ENV_KEYS',
    ],
    [
      'a pod name that is not known',
      { name: 'url', value: '{podName}' },
      {},
      {},
      'component "a" (state.probe): metadata field "url" has {podName}, but the environment variable POD_NAME is not set',
    ],
  ])('refuses %s', async (_what, item, more, overrides, message) => {
    const specs = [
      component('vault', 'secretstores.probe'),
      spec('a', 'state.probe', [item], more),
    ];
    await expect(trial.load(specs, overrides)).rejects.toThrow(
      expect.objectContaining({ message }) as Error,
    );
    expect(trial.events).toEqual(['open vault', 'close vault']);
  });
});

describe('keyPrefix', () => {
  it.each([
    [undefined, {}, 'shop||'],
    ['appid', {}, 'shop||'],
    ['name', {}, 'store||'],
    ['none', {}, ''],
    ['namespace', {}, 'shop||'],
    ['namespace', { NAMESPACE: 'prod' }, 'prod.shop||'],
    ['Mine', {}, 'mine||'],
  ])('%s in environment %j gives %j', async (keyPrefix, env, prefix) => {
    await using loaded = await trial.load(
      [component('store', 'state.in-memory', keyPrefix === undefined ? {} : { keyPrefix })],
      { env },
    );
    expect(loaded.stateStores.get('store')!.keyPrefix).toBe(prefix);
  });

  it('must not contain the separator', async () => {
    await expect(
      trial.load([component('store', 'state.in-memory', { keyPrefix: 'a||b' })]),
    ).rejects.toThrow('metadata field "keyPrefix" must not contain "||"');
  });
});

describe('topics of a pub/sub component', () => {
  async function topics(metadata: Record<string, string>) {
    await using loaded = await trial.load([component('pubsub', 'pubsub.in-memory', metadata)]);
    const { topics: scopes } = loaded.pubsubs.get('pubsub')!;
    const allowed = (may: (topic: string) => boolean) =>
      ['a', 'b', 'c'].filter((topic) => may(topic)).join('');
    return [allowed(scopes.mayPublish), allowed(scopes.maySubscribe)];
  }

  it.each<[Record<string, string>, string, string]>([
    [{}, 'abc', 'abc'],
    [{ allowedTopics: 'a, b' }, 'ab', 'ab'],
    [{ publishingScopes: 'shop=a,c;other=b' }, 'ac', 'abc'],
    [{ subscriptionScopes: 'other=a;shop=' }, 'abc', ''],
    [{ publishingScopes: 'other=b' }, 'abc', 'abc'],
    [
      { protectedTopics: 'b', publishingScopes: 'shop=b', SubscriptionScopes: 'other=b' },
      'b',
      'ac',
    ],
    [{ allowedTopics: 'a', publishingScopes: 'shop=a,b' }, 'a', 'a'],
  ])('%j: may publish %j and subscribe %j', async (metadata, publish, subscribe) => {
    expect(await topics(metadata)).toEqual([publish, subscribe]);
  });

  it('belong to the namespace when the metadata says so', async () => {
    const components = [component('p', 'pubsub.in-memory', { consumerID: '{namespace}' })];
    await using scoped = await trial.load(components, { env: { NAMESPACE: 'prod' } });
    expect(scoped.pubsubs.get('p')?.topicPrefix).toBe('prod');
    await using plain = await trial.load([component('p', 'pubsub.in-memory')]);
    expect(plain.pubsubs.get('p')?.topicPrefix).toBeUndefined();
  });
});
