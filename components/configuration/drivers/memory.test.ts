import { describe, expect, it } from 'vitest';
import { testOptions } from '../../test-clock.ts';
import { configurationConformance } from '../conformance/suite.ts';
import { driver } from './memory.ts';

const create = (metadata: Record<string, string> = {}) =>
  driver.create(testOptions('configuration.in-memory', metadata), {
    signal: new AbortController().signal,
  });

configurationConformance({
  name: 'configuration.in-memory',
  create: () => create(),
  write: async (store, key, item) => store.set(key, item),
});

describe('the items of configuration.in-memory', () => {
  it('come from metadata, as texts or with version and metadata', async () => {
    await using store = await create({
      items: '{"a": "1", "b": {"value": "2", "version": "7", "metadata": {"from": "ops"}}}',
    });
    expect(await store.get({ keys: [] })).toEqual({
      a: { value: '1', version: '', metadata: {} },
      b: { value: '2', version: '7', metadata: { from: 'ops' } },
    });
  });

  it.each(['{', '[]', '{"a": 1}', '{"a": {"value": 1}}', '{"a": {"value": "1", "vers": "1"}}'])(
    'are refused when they are %s',
    async (items) => {
      await expect(create({ items })).rejects.toMatchObject({
        code: 'INVALID_ARGUMENT',
        message: expect.stringContaining('metadata field "items"') as string,
      });
    },
  );
});
