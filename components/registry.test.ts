import { describe, expect, it } from 'vitest';
import type { Component, Driver, Kind } from './component.ts';
import { checkMetadata, componentKinds, createRegistry } from './registry.ts';

describe('the registry', () => {
  it('resolves every type of its tables to a driver of the right kind', async () => {
    const registry = createRegistry();
    const kinds: readonly Kind<Component>[] = Object.values(componentKinds) as never;
    const tables = kinds.flatMap(({ drivers }) => drivers);
    expect(registry.types()).toEqual(tables.map(({ type }) => type).sort());
    expect(new Set(registry.types()).size).toBe(tables.length);
    for (const { type, versions } of tables) {
      const { kind, driver, fields } = await registry.resolve(type, versions[0]);
      expect(type.startsWith(`${kind}.`)).toBe(true);
      expect(driver.create).toBeTypeOf('function');
      expect(fields).toEqual([...componentKinds[kind].fields, ...driver.fields]);
    }
  });

  it('imports a driver only when its type is asked for', async () => {
    const loaded: string[] = [];
    const kind = <C extends Component>(types: string[]): Kind<C> => ({
      fields: [],
      drivers: types.map((type) => ({
        type,
        versions: ['v1', 'v2'],
        load: async () => {
          loaded.push(type);
          return { fields: [], create: () => Promise.reject(new Error('not used')) } as Driver<C>;
        },
      })),
    });
    const registry = createRegistry({
      ...componentKinds,
      configuration: kind([]),
      lock: kind([]),
      bindings: kind([]),
      crypto: kind([]),
      conversation: kind([]),
      nameresolution: kind([]),
      middleware: kind([]),
      state: kind(['state.a', 'state.b']),
      pubsub: kind(['pubsub.a']),
      secretstores: kind([]),
    });
    expect(registry.types()).toEqual(['pubsub.a', 'state.a', 'state.b']);
    expect(loaded).toEqual([]);
    expect((await registry.resolve('state.b', 'v2')).kind).toBe('state');
    expect(loaded).toEqual(['state.b']);
  });

  it('takes a missing version for v1', async () => {
    const registry = createRegistry();
    expect((await registry.resolve('state.sqlite', '')).kind).toBe('state');
  });

  it('names the nearest type and all known ones', async () => {
    const registry = createRegistry();
    const asking = registry.resolve('state.sqllite', 'v1');
    await expect(asking).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      details: { type: 'state.sqllite', nearest: 'state.sqlite' },
    });
    await expect(asking).rejects.toThrow(
      /"state\.sqllite" is not known; did you mean "state\.sqlite"\? Known types: .*pubsub\.in-memory, .*state\.sqlite$/,
    );
    await expect(registry.resolve('PubSub.InMemory')).rejects.toThrow(/mean "pubsub\.in-memory"/);
    await expect(registry.resolve('bindings.twilio.sms')).rejects.toThrow(
      /is not known\. Known types/,
    );
  });

  it('names the known versions', async () => {
    await expect(createRegistry().resolve('state.sqlite', 'v2')).rejects.toThrow(
      /type "state\.sqlite" has no version "v2"; did you mean "v1"\? Known versions: v1/,
    );
  });
});

describe('metadata', () => {
  const fields = [
    { name: 'connectionString', required: true, aliases: ['url'], description: 'The database.' },
    { name: 'busyTimeout', description: 'How long to wait.' },
  ];

  it('is fine with known names in any case and by alias', () => {
    expect(checkMetadata({ connectionstring: 'x', BUSYTIMEOUT: '1s' }, fields)).toEqual([]);
    expect(checkMetadata({ url: 'x' }, fields)).toEqual([]);
  });

  it('names an unknown field with the one that was meant, or all there are', () => {
    expect(checkMetadata({ url: 'x', busyTimout: '1s', colour: 'red' }, fields)).toEqual([
      {
        kind: 'unknown',
        field: 'busyTimout',
        nearest: 'busyTimeout',
        message:
          'metadata field "busyTimout" is not known; did you mean "busyTimeout"? Known fields: connectionString, busyTimeout',
      },
      {
        kind: 'unknown',
        field: 'colour',
        message:
          'metadata field "colour" is not known. Known fields: connectionString, busyTimeout',
      },
    ]);
    expect(checkMetadata({ any: '1' }, [])[0]?.message).toMatch(/It has no fields$/);
  });

  it('names a required field that is missing or empty, with what it is for', () => {
    for (const metadata of [{}, { connectionString: '' }])
      expect(checkMetadata(metadata, fields)).toEqual([
        {
          kind: 'missing',
          field: 'connectionString',
          message: 'metadata field "connectionString" is missing: The database.',
        },
      ]);
  });

  it('names a field that is given twice', () => {
    expect(checkMetadata({ connectionString: 'a', URL: 'b' }, fields)).toMatchObject([
      { kind: 'duplicate', field: 'URL' },
    ]);
  });

  it('takes inherited names for what they are', () => {
    expect(checkMetadata({ url: 'x', toString: 'y' }, fields)).toMatchObject([
      { kind: 'unknown', field: 'toString' },
    ]);
  });
});
