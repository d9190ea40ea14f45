import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startPostgresql, urlOf } from '../../../test/servers/postgresql.ts';
import type { TestServer } from '../../../test/servers/process.ts';
import { testOptions } from '../../test-clock.ts';
import { bindingConformance } from '../conformance/suite.ts';
import type { Binding } from '../contract.ts';
import { driver } from './postgresql.ts';

let server: TestServer;
beforeAll(async () => void (server = await startPostgresql()));
afterAll(() => server.stop());

function create(): Promise<Binding> {
  const options = testOptions('bindings.postgresql', {
    connectionString: urlOf(server),
    maxConns: '2',
  });
  return driver.create(options, { signal: new AbortController().signal });
}

bindingConformance({ name: 'bindings.postgresql', create, features: ['OUTPUT_BINDING'] });

const request = (operation: string, sql = '', params?: unknown[]) => ({
  ...{ operation, data: new Uint8Array() },
  metadata: {
    ...(sql === '' ? {} : { sql }),
    ...(params === undefined ? {} : { params: JSON.stringify(params) }),
  },
});

describe('bindings.postgresql', () => {
  it('runs statements with parameters and answers with lists of values', async () => {
    await using binding = await create();
    await binding.invoke(
      request(
        'exec',
        'CREATE TABLE parts (id bigint, name text, price numeric, raw bytea, on_sale bool, at timestamptz, more jsonb)',
      ),
    );
    const insert = 'INSERT INTO parts VALUES ($1, $2, $3, $4, $5, $6, $7)';
    const row = ['9007199254740993', 'Schraube ü', '0.10', '\\x00ff', true];
    const { metadata } = await binding.invoke(
      request('exec', insert, [...row, '2026-03-01T12:00:00Z', '{"a": [1]}']),
    );
    expect(metadata).toMatchObject({ operation: 'exec', sql: insert, 'rows-affected': '1' });
    expect(Object.keys(metadata!)).toEqual(
      expect.arrayContaining(['start-time', 'end-time', 'duration']),
    );
    const { data } = await binding.invoke(
      request('query', 'SELECT *, NULL FROM parts WHERE id > $1', [1]),
    );
    expect(Buffer.from(data!).toString()).toBe(
      '[[9007199254740993,"Schraube ü",0.10,"AP8=",true,"2026-03-01T12:00:00Z",{"a":[1]},null]]',
    );
    const none = await binding.invoke(request('query', 'SELECT 1 WHERE false'));
    expect(Buffer.from(none.data!).toString()).toBe('[]');
  });

  it.each([
    [request('exec'), /needs the metadata "sql"/],
    [
      { ...request('query', 'SELECT 1'), metadata: { sql: 'SELECT 1', params: '{}' } },
      /"params" .* JSON list/,
    ],
  ])('refuses %j by name', async (wrong, message) => {
    await using binding = await create();
    const asking = binding.invoke(wrong);
    await expect(asking).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    await expect(asking).rejects.toThrow(message);
  });

  it('asks over no more connections than it may have, and the others wait', async () => {
    await using binding = await create();
    const asking = Array.from({ length: 6 }, () => binding.invoke(request('query', 'SELECT 1')));
    let most = 0;
    for (const one of asking) {
      most = Math.max(most, binding.usage!().connections);
      await one;
    }
    expect(most).toBeLessThanOrEqual(2);
    expect(binding.usage!()).toEqual({ connections: 2, inFlight: 0 });
  });

  it('passes on what the server refuses, and is closed by its operation', async () => {
    await using binding = await create();
    const wrong = binding.invoke(request('query', 'SELECT * FROM nowhere'));
    await expect(wrong).rejects.toMatchObject({ code: 'COMPONENT' });
    await expect(wrong).rejects.toThrow(/"nowhere" does not exist/);
    await binding.invoke(request('close'));
    await binding.invoke(request('close'));
    await expect(binding.invoke(request('query', 'SELECT 1'))).rejects.toThrow(/is closed/);
  });
});
