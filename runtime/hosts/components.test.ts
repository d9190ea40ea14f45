import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Component, ComponentOptions, Driver } from '../../components/component.ts';
import { componentKinds, createRegistry } from '../../components/registry.ts';
import type { KindTables } from '../../components/registry.ts';
import type { SecretStore } from '../../components/secretstores/contract.ts';
import type { StateStore } from '../../components/state/contract.ts';
import { component } from '../config/component.ts';
import type { ComponentSpec, MetadataItem } from '../config/component.ts';
import { loadComponents } from './components.ts';
import type { LoadOptions } from './components.ts';

let lines: { level: string; fields: object; message: string }[];
let events: string[];
let given: ComponentOptions[];

beforeEach(() => {
  lines = [];
  events = [];
  given = [];
});

const log = (level: string) => (fields: object, message: string) => {
  lines.push({ level, fields, message });
};

interface Behaviour {
  readonly features?: readonly string[];
  readonly fails?: string;
  readonly hangs?: boolean;
  readonly failsToClose?: boolean;
  readonly secrets?: Readonly<Record<string, Record<string, string>>>;
}

/** A driver that is not one of ours: it says what it was given and when it was opened and closed. */
function probe<C extends Component>(behaviour: Behaviour): Driver<C> {
  return {
    fields: [
      { name: 'url', description: 'where', aliases: ['address'] },
      { name: 'consumerID', description: 'who' },
    ],
    async create(options, { signal }) {
      given.push(options);
      if (behaviour.hangs) {
        const { promise, resolve } = Promise.withResolvers<void>();
        signal.addEventListener('abort', () => resolve());
        await promise;
      }
      if (behaviour.fails) throw new Error(behaviour.fails);
      events.push(`open ${options.name}`);
      const close = async (): Promise<void> => {
        events.push(`close ${options.name}`);
        if (behaviour.failsToClose) throw new Error('stuck');
      };
      return {
        features: behaviour.features ?? [],
        ping: async () => undefined,
        getSecret: async (name: string) => {
          const secret = behaviour.secrets?.[name];
          if (!secret) throw new Error('no such secret');
          return secret;
        },
        close,
        [Symbol.asyncDispose]: close,
      } as unknown as C;
    },
  };
}

function tables(behaviours: { state?: Behaviour; secrets?: Behaviour }): KindTables {
  const entry = <C extends Component>(type: string, driver: Driver<C>) => ({
    type,
    versions: ['v1'],
    load: async () => driver,
  });
  const { state, pubsub, secretstores } = componentKinds;
  return {
    state: {
      ...state,
      drivers: [...state.drivers, entry('state.probe', probe<StateStore>(behaviours.state ?? {}))],
    },
    pubsub,
    secretstores: {
      ...secretstores,
      drivers: [
        ...secretstores.drivers,
        entry('secretstores.probe', probe<SecretStore>(behaviours.secrets ?? {})),
      ],
    },
  };
}

interface Overrides extends Partial<LoadOptions> {
  readonly state?: Behaviour;
  readonly secrets?: Behaviour;
}

function load(specs: readonly ComponentSpec[], { state, secrets, ...overrides }: Overrides = {}) {
  const behaviours = { ...(state ? { state } : {}), ...(secrets ? { secrets } : {}) };
  return loadComponents(specs, {
    registry: createRegistry(tables(behaviours)),
    appId: 'shop',
    env: {},
    now: () => 0,
    logger: { debug: log('debug'), info: log('info'), warn: log('warn'), error: log('error') },
    ...overrides,
  });
}

function spec(
  name: string,
  type: string,
  items: MetadataItem[],
  more: Partial<ComponentSpec> = {},
): ComponentSpec {
  return {
    ...component(name, type),
    metadata: items,
    source: { file: 'c.yaml', line: 1 },
    ...more,
  };
}

describe('a set of components', () => {
  it('is opened by its drivers and listed with capabilities', async () => {
    await using loaded = await load([
      component('statestore', 'state.in-memory', { actorStateStore: 'true' }),
      component('pubsub', 'pubsub.in-memory'),
      component('env', 'secretstores.local.env'),
      component('plain', 'state.probe'),
    ]);
    expect([...loaded.stateStores.keys()]).toEqual(['statestore', 'plain']);
    expect([...loaded.pubsubs.keys()]).toEqual(['pubsub']);
    expect([...loaded.secretStores.keys()]).toEqual(['env']);
    expect(loaded.actorStore).toBe(loaded.stateStores.get('statestore'));
    expect(loaded.list.map(({ name }) => name)).toEqual(['env', 'statestore', 'pubsub', 'plain']);
    expect(loaded.list[1]).toMatchObject({
      name: 'statestore',
      type: 'state.in-memory',
      version: 'v1',
      capabilities: expect.arrayContaining(['ETAG', 'TRANSACTIONAL', 'ACTOR']),
    });
    expect(loaded.list[3]!.capabilities).toEqual([]);
    expect(lines).toContainEqual({
      level: 'info',
      fields: { name: 'pubsub', type: 'pubsub.in-memory', version: 'v1' },
      message: 'component loaded',
    });
  });

  it('has no actor store when none is marked', async () => {
    await using loaded = await load([
      component('a', 'state.in-memory', { actorStateStore: 'false' }),
    ]);
    expect(loaded.actorStore).toBeUndefined();
  });

  it('closes in reverse order, once', async () => {
    const loaded = await load([
      component('a', 'state.probe'),
      component('b', 'state.probe'),
      component('s', 'secretstores.probe'),
    ]);
    await loaded.close();
    await loaded.close();
    expect(events).toEqual(['open s', 'open a', 'open b', 'close b', 'close a', 'close s']);
  });

  it('closes all of them also when one fails to close', async () => {
    const loaded = await load([component('a', 'state.probe'), component('b', 'state.probe')], {
      state: { failsToClose: true },
    });
    await expect(loaded.close()).rejects.toThrow('not every component closed well');
    expect(events.slice(2)).toEqual(['close b', 'close a']);
  });

  it('gives a driver its own fields and no field of the runtime', async () => {
    await using loaded = await load([
      component('a', 'state.probe', { URL: 'x', keyPrefix: 'none' }),
    ]);
    expect(given[0]!.metadata).toEqual({ URL: 'x' });
    expect(loaded.stateStores.get('a')!.keyPrefix).toBe('');
  });
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
    const loaded = await load([
      spec('a', 'state.probe', [{ name: 'url', secretKeyRef: { name: 'db:url', key: 'db:url' } }], {
        secretStore: 'vault',
      }),
      component('vault', 'secretstores.local.file', { secretsFile: file }),
    ]);
    await using _ = loaded;
    expect(given[0]!.metadata).toEqual({ url: 'secret-url' });
  });

  it('a secret store may take its own secrets from another', async () => {
    await using _ = await load(
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
    expect(given.map(({ name, metadata }) => [name, metadata])).toEqual([
      ['first', {}],
      ['second', { url: 'z' }],
    ]);
  });

  it('fills in app id, namespace, pod name and a fresh uuid', async () => {
    await using _ = await load(
      [
        component('a', 'state.probe', {
          url: '{appID} {namespace} {podName} {uuid} {uuid} {other}',
        }),
      ],
      { env: { NAMESPACE: 'prod', POD_NAME: 'pod-1' } },
    );
    const words = given[0]!.metadata['url']!.split(' ');
    expect(words.slice(0, 3)).toEqual(['shop', 'prod.shop', 'pod-1']);
    expect(words[3]).toMatch(/^[0-9a-f-]{36}$/);
    expect(words[4]).not.toBe(words[3]);
    expect(words[5]).toBe('{other}');
  });

  it('reads the environment that it is given', async () => {
    await using _ = await load([spec('a', 'state.probe', [{ name: 'url', envRef: 'DB_URL' }])], {
      env: { DB_URL: 'from-env' },
    });
    expect(given[0]!.metadata).toEqual({ url: 'from-env' });
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
    await expect(load(specs, overrides)).rejects.toThrow(
      expect.objectContaining({ message }) as Error,
    );
    expect(events).toEqual(['open vault', 'close vault']);
  });
});

describe('what cannot be opened', () => {
  it('unknown types, unknown fields, missing fields and double names are told at once, before anything is opened', async () => {
    const specs = [
      component('a', 'state.probe'),
      spec('b', 'state.sqlit', []),
      spec('c', 'state.probe', [{ name: 'adress', value: 'x', line: 7 }]),
      spec('d', 'secretstores.local.file', []),
      spec('a', 'pubsub.in-memory', []),
      spec('e', 'state.in-memory', [], { version: 'v9' }),
    ];
    const error: Error = await load(specs).then(
      () => expect.fail('loaded'),
      (reason: Error) => reason,
    );
    expect(error.message.split('\n')).toEqual([
      '5 problems in components:',
      expect.stringMatching(
        /^component "b" \(state\.sqlit\): c\.yaml:1: component type "state\.sqlit" is not known; did you mean "state\.sqlite"\?/,
      ),
      expect.stringMatching(
        /^component "c" \(state\.probe\): c\.yaml:7: metadata field "adress" is not known/,
      ),
      expect.stringMatching(/^component "d" .*metadata field "secretsFile" is missing/),
      'component "a" (pubsub.in-memory): another component has this name; names are unique across all types, rename one',
      expect.stringMatching(/^component "e" .*has no version "v9"/),
    ]);
    expect(error).toMatchObject({ code: 'INVALID_ARGUMENT', details: { problems: { length: 5 } } });
    expect(events).toEqual([]);
  });

  it.each(['primaryEncryptionKey', 'outboxPublishPubsub', 'outboxDiscardWhenMissingState'])(
    'metadata field %s, which is not served yet, is refused by name',
    async (name) => {
      await expect(load([component('a', 'state.in-memory', { [name]: 'x' })])).rejects.toThrow(
        `component "a" (state.in-memory): metadata field "${name}" is not supported yet; remove it`,
      );
    },
  );

  it('two actor state stores are refused with both names', async () => {
    const marked = { actorStateStore: 'yes' };
    await expect(
      load([component('a', 'state.in-memory', marked), component('b', 'state.in-memory', marked)]),
    ).rejects.toThrow(
      'component "b" (state.in-memory): is marked actorStateStore, and so is component "a"; actors live in one store, keep the mark on one',
    );
  });

  it('an actor state store that lacks a feature is refused with what it lacks, and closed', async () => {
    await expect(
      load([component('a', 'state.probe', { actorStateStore: 'true' })], {
        state: { features: ['ETAG', 'TRANSACTIONAL'] },
      }),
    ).rejects.toThrow(
      'component "a" (state.probe): cannot keep actors: it lacks DELETE_WITH_PREFIX, ORDERED_INDEX. Mark another state store with actorStateStore',
    );
    expect(events).toEqual(['open a', 'close a']);
  });

  it('a driver that fails closes those already open and names its component', async () => {
    await expect(
      load([component('s', 'secretstores.probe'), component('a', 'state.probe')], {
        state: { fails: 'connection refused' },
      }),
    ).rejects.toMatchObject({
      code: 'COMPONENT',
      message: 'component "a" (state.probe): failed to open: connection refused',
    });
    expect(events).toEqual(['open s', 'close s']);
  });

  it('with ignoreErrors is left out with a warning, at every stage', async () => {
    const ignored = { ignoreErrors: true };
    await using loaded = await load([
      spec('typo', 'state.nope', [], ignored),
      spec('field', 'state.probe', [{ name: 'nope', value: '' }], ignored),
      spec('env', 'state.probe', [{ name: 'url', envRef: 'NOPE' }], ignored),
      spec('unfit', 'state.probe', [{ name: 'actorStateStore', value: 'true' }], ignored),
      component('good', 'state.in-memory'),
    ]);
    expect([...loaded.stateStores.keys()]).toEqual(['good']);
    expect(loaded.actorStore).toBeUndefined();
    expect(events).toEqual(['open unfit', 'close unfit']);
    const warnings = lines.filter(({ message }) => message === 'component left out');
    expect(warnings.map(({ level, fields }) => [level, (fields as { name: string }).name])).toEqual(
      [
        ['warn', 'typo'],
        ['warn', 'field'],
        ['warn', 'env'],
        ['warn', 'unfit'],
      ],
    );
  });

  it('with ignoreErrors still fails those that need its secrets', async () => {
    await expect(
      load(
        [
          spec('vault', 'secretstores.probe', [], { ignoreErrors: true }),
          spec('a', 'state.probe', [{ name: 'url', secretKeyRef: { name: 'x', key: 'y' } }], {
            secretStore: 'vault',
          }),
        ],
        { secrets: { fails: 'sealed' } },
      ),
    ).rejects.toThrow('needs secret store "vault", which is not loaded (loaded: none)');
  });

  it('after initTimeout is given up by name, and an instance that comes late is closed', async () => {
    await expect(
      load([spec('a', 'state.probe', [], { initTimeoutMs: 10 })], { state: { hangs: true } }),
    ).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      message:
        'component "a" (state.probe): was not open after 10 ms; see that its backend answers, or raise spec.initTimeout',
    });
    await vi.waitFor(() => expect(events).toEqual(['open a', 'close a']));
  });

  it('is given up when the signal aborts, also with ignoreErrors', async () => {
    const abort = new AbortController();
    const loading = load([spec('a', 'state.probe', [], { ignoreErrors: true })], {
      state: { hangs: true },
      signal: abort.signal,
    });
    abort.abort(new Error('stopped'));
    await expect(loading).rejects.toThrow('component "a" (state.probe): failed to open: stopped');
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
    await using loaded = await load(
      [component('store', 'state.in-memory', keyPrefix === undefined ? {} : { keyPrefix })],
      { env },
    );
    expect(loaded.stateStores.get('store')!.keyPrefix).toBe(prefix);
  });

  it('must not contain the separator', async () => {
    await expect(
      load([component('store', 'state.in-memory', { keyPrefix: 'a||b' })]),
    ).rejects.toThrow('metadata field "keyPrefix" must not contain "||"');
  });
});

describe('topics of a pub/sub component', () => {
  async function topics(metadata: Record<string, string>) {
    await using loaded = await load([component('pubsub', 'pubsub.in-memory', metadata)]);
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

  it('are not scoped to a namespace yet, which is said', async () => {
    await expect(
      load([component('p', 'pubsub.in-memory', { consumerID: '{namespace}' })]),
    ).rejects.toThrow(
      'has {namespace}, which scopes every topic to a namespace; that is not supported yet, remove it',
    );
  });
});
