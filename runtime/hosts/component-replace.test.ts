import { beforeEach, describe, expect, it } from 'vitest';
import { component } from '../config/component.ts';
import { bench } from '../core/resiliency.fixture.ts';
import { createLoader, type Loader } from './component-probe.ts';
import { guard } from './component-guard.ts';

let trial: Loader;
beforeEach(() => (trial = createLoader()));

describe('a component that is replaced', () => {
  it('lets calls that run finish on the old instance, and closes it then', async () => {
    await using loaded = await trial.load([component('s', 'state.probe', { url: 'a' })]);
    const old = loaded.stateStores.get('s')!;
    const changes: string[] = [];
    loaded.onChange(({ kind, name }) => void changes.push(`${kind} ${name}`));
    await loaded.replace(component('s', 'state.probe', { url: 'b' }));
    expect(loaded.stateStores.get('s')).not.toBe(old);
    expect(trial.given.map(({ metadata }) => metadata['url'])).toEqual(['a', 'b']);
    expect(trial.events).toEqual(['open s', 'open s', 'close s']);
    expect(changes).toEqual(['state s']);
    expect(loaded.list).toHaveLength(1);
  });

  it('stays when the new one cannot be opened', async () => {
    await using loaded = await trial.load([component('s', 'state.in-memory')]);
    const old = loaded.stateStores.get('s');
    await expect(loaded.replace(component('s', 'state.nothing'))).rejects.toThrow(/not known/);
    await expect(loaded.replace(component('s', 'state.sqlite', { nothing: '1' }))).rejects.toThrow(
      /"nothing" is not known/,
    );
    expect(loaded.stateStores.get('s')).toBe(old);
    expect(await old!.store.get('k')).toBeUndefined();
  });

  it('is refused when it keeps the actors', async () => {
    const spec = component('s', 'state.in-memory', { actorStateStore: 'true' });
    await using loaded = await trial.load([spec]);
    await expect(loaded.replace(spec)).rejects.toThrow(/keeps the actors/);
    await expect(loaded.remove('s')).rejects.toThrow(/keeps the actors/);
  });

  it('is closed after its users have let go of it, when it goes', async () => {
    await using loaded = await trial.load([component('s', 'state.probe')]);
    const left = Promise.withResolvers<void>();
    loaded.onChange(async () => {
      expect(loaded.stateStores.has('s')).toBe(false);
      await left.promise;
      trial.events.push('let go');
    });
    const removed = loaded.remove('s');
    await new Promise((rest) => setImmediate(rest));
    expect(trial.events).toEqual(['open s']);
    left.resolve();
    await removed;
    expect(trial.events).toEqual(['open s', 'let go', 'close s']);
  });

  it('may be of another kind, and is in one table only', async () => {
    await using loaded = await trial.load([component('s', 'state.in-memory')]);
    await loaded.replace(component('s', 'pubsub.in-memory'));
    expect([...loaded.stateStores.keys(), ...loaded.pubsubs.keys()]).toEqual(['s']);
    await loaded.remove('s');
    expect(loaded.list).toEqual([]);
  });
});

it('a type that the configuration denies is left out', async () => {
  const specs = [component('a', 'state.in-memory'), component('b', 'pubsub.in-memory')];
  for (const denied of ['state.in-memory', 'STATE.in-memory/v1']) {
    await using loaded = await trial.load(specs, { deniedTypes: [denied] });
    expect(loaded.list.map(({ name }) => name)).toEqual(['b']);
  }
});

it('metadata that no driver has is passed over with a warning when told so', async () => {
  const specs = [component('a', 'state.in-memory', { other: '1' })];
  await using loaded = await trial.load(specs, { unknownMetadata: 'warn' });
  expect(loaded.list).toHaveLength(1);
  expect(trial.lines).toContainEqual(
    expect.objectContaining({ level: 'warn', message: expect.stringContaining('"other"') }),
  );
});

describe('a guarded component', () => {
  function store() {
    const calls: string[] = [];
    let failures = 0;
    return {
      calls,
      failNext: (times: number) => void (failures = times),
      features: [],
      async get(key: string) {
        calls.push(key);
        if (failures-- > 0) throw new Error('away');
        return key;
      },
      async ping() {},
      async close() {},
      async [Symbol.asyncDispose]() {},
    };
  }
  const retries = {
    r: { policy: 'constant', durationMs: 10, maxIntervalMs: 0, maxRetries: 2 } as const,
  };

  it('repeats a call as the outbound policy says', async () => {
    const { resiliency, clock } = bench({
      retries,
      components: { s: { outbound: { retry: 'r' } } },
    });
    const inner = store();
    const { component: guarded } = guard('state', 's', inner, resiliency);
    inner.failNext(2);
    const answer = guarded.get('k');
    await clock.advance(100);
    expect(await answer).toBe('k');
    expect(inner.calls).toHaveLength(3);
  });

  it('is idle when the last call on it is done', async () => {
    const gate = Promise.withResolvers<string>();
    const slow = { ...store(), get: () => gate.promise };
    const { component: guarded, idle } = guard('state', 's', slow, undefined);
    const answer = guarded.get();
    let isIdle = false;
    const done = idle().then(() => (isIdle = true));
    await Promise.resolve();
    expect(isIdle).toBe(false);
    gate.resolve('late');
    expect(await answer).toBe('late');
    await done;
    expect(isIdle).toBe(true);
  });
});
