import { beforeEach, describe, expect, it, vi } from 'vitest';
import { component } from '../config/component.ts';
import { createLoader, spec } from './component-probe.ts';
import type { Loader } from './component-probe.ts';

let trial: Loader;
beforeEach(() => {
  trial = createLoader();
});

describe('a set of components', () => {
  it('is opened by its drivers and listed with capabilities', async () => {
    await using loaded = await trial.load([
      component('statestore', 'state.in-memory', { actorStateStore: 'true' }),
      component('pubsub', 'pubsub.in-memory'),
      component('env', 'secretstores.local.env'),
      component('plain', 'state.probe'),
    ]);
    expect([...loaded.stateStores.keys()]).toEqual(['statestore', 'plain']);
    expect([...loaded.pubsubs.keys()]).toEqual(['pubsub']);
    expect([...loaded.secretStores.keys()]).toEqual(['env']);
    expect(loaded.actorStore?.name).toBe('statestore');
    expect(loaded.list.map(({ name }) => name)).toEqual(['env', 'statestore', 'pubsub', 'plain']);
    expect(loaded.list[1]).toMatchObject({
      name: 'statestore',
      type: 'state.in-memory',
      version: 'v1',
      capabilities: expect.arrayContaining(['ETAG', 'TRANSACTIONAL', 'ACTOR']),
    });
    expect(loaded.list[3]!.capabilities).toEqual([]);
    expect(trial.lines).toContainEqual({
      level: 'info',
      fields: { name: 'pubsub', type: 'pubsub.in-memory', version: 'v1' },
      message: 'component loaded',
    });
  });

  it('has no actor store when none is marked', async () => {
    await using loaded = await trial.load([
      component('a', 'state.in-memory', { actorStateStore: 'false' }),
    ]);
    expect(loaded.actorStore).toBeUndefined();
  });

  it('says what those with a server have under way', async () => {
    await using loaded = await trial.load(
      [component('a', 'state.probe'), component('b', 'state.in-memory')],
      {
        state: { usage: { connections: 2, inFlight: 7 } },
      },
    );
    const set: unknown[] = [];
    const telemetry = {
      count() {},
      observe() {},
      set: (...given: unknown[]) => void set.push(given),
    };
    loaded.gauge(telemetry, 'shop');
    const labels = { component: 'a', namespace: 'shop' };
    expect(set).toEqual([
      ['component_connections', labels, 2],
      ['component_in_flight', labels, 7],
    ]);
  });

  it('closes in reverse order, once', async () => {
    const loaded = await trial.load([
      component('a', 'state.probe'),
      component('b', 'state.probe'),
      component('s', 'secretstores.probe'),
    ]);
    await loaded.close();
    await loaded.close();
    expect(trial.events).toEqual(['open s', 'open a', 'open b', 'close b', 'close a', 'close s']);
  });

  it('closes all of them also when one fails to close', async () => {
    const loaded = await trial.load(
      [component('a', 'state.probe'), component('b', 'state.probe')],
      {
        state: { failsToClose: true },
      },
    );
    await expect(loaded.close()).rejects.toThrow('not every component closed well');
    expect(trial.events.slice(2)).toEqual(['close b', 'close a']);
  });

  it('gives a driver its own fields and no field of the runtime', async () => {
    await using loaded = await trial.load([
      component('a', 'state.probe', { URL: 'x', keyPrefix: 'none' }),
    ]);
    expect(trial.given[0]!.metadata).toEqual({ URL: 'x' });
    expect(loaded.stateStores.get('a')!.keyPrefix).toBe('');
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
    const error: Error = await trial.load(specs).then(
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
    expect(trial.events).toEqual([]);
  });

  it('an outbox with half of what it needs is refused', async () => {
    await expect(
      trial.load([component('a', 'state.in-memory', { outboxPublishTopic: 'x' })]),
    ).rejects.toThrow('needs both outboxPublishPubsub and outboxPublishTopic');
  });

  it('two actor state stores are refused with both names', async () => {
    const marked = { actorStateStore: 'yes' };
    await expect(
      trial.load([
        component('a', 'state.in-memory', marked),
        component('b', 'state.in-memory', marked),
      ]),
    ).rejects.toThrow(
      'component "b" (state.in-memory): is marked actorStateStore, and so is component "a"; actors live in one store, keep the mark on one',
    );
  });

  it('an actor state store that lacks a feature is refused with what it lacks, and closed', async () => {
    await expect(
      trial.load([component('a', 'state.probe', { actorStateStore: 'true' })], {
        state: { features: ['ETAG', 'TRANSACTIONAL'] },
      }),
    ).rejects.toThrow(
      'component "a" (state.probe): cannot keep actors: it lacks DELETE_WITH_PREFIX, ORDERED_INDEX. Mark another state store with actorStateStore',
    );
    expect(trial.events).toEqual(['open a', 'close a']);
  });

  it('a driver that fails closes those already open and names its component', async () => {
    await expect(
      trial.load([component('s', 'secretstores.probe'), component('a', 'state.probe')], {
        state: { fails: 'connection refused' },
      }),
    ).rejects.toMatchObject({
      code: 'COMPONENT',
      message: 'component "a" (state.probe): failed to open: connection refused',
    });
    expect(trial.events).toEqual(['open s', 'close s']);
  });

  it('with ignoreErrors is left out with a warning, at every stage', async () => {
    const ignored = { ignoreErrors: true };
    await using loaded = await trial.load([
      spec('typo', 'state.nope', [], ignored),
      spec('field', 'state.probe', [{ name: 'nope', value: '' }], ignored),
      spec('env', 'state.probe', [{ name: 'url', envRef: 'NOPE' }], ignored),
      spec('unfit', 'state.probe', [{ name: 'actorStateStore', value: 'true' }], ignored),
      component('good', 'state.in-memory'),
    ]);
    expect([...loaded.stateStores.keys()]).toEqual(['good']);
    expect(loaded.actorStore).toBeUndefined();
    expect(trial.events).toEqual(['open unfit', 'close unfit']);
    const warnings = trial.lines.filter(({ message }) => message === 'component left out');
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
      trial.load(
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
      trial.load([spec('a', 'state.probe', [], { initTimeoutMs: 10 })], { state: { hangs: true } }),
    ).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      message:
        'component "a" (state.probe): was not open after 10 ms; see that its backend answers, or raise spec.initTimeout',
    });
    await vi.waitFor(() => expect(trial.events).toEqual(['open a', 'close a']));
  });

  it('is given up when the signal aborts, also with ignoreErrors', async () => {
    const abort = new AbortController();
    const loading = trial.load([spec('a', 'state.probe', [], { ignoreErrors: true })], {
      state: { hangs: true },
      signal: abort.signal,
    });
    abort.abort(new Error('stopped'));
    await expect(loading).rejects.toThrow('component "a" (state.probe): failed to open: stopped');
  });
});
