import { createClient } from '@redis/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startRedis } from '../../../test/servers/redis.ts';
import type { TestServer } from '../../../test/servers/process.ts';
import { testOptions } from '../../test-clock.ts';
import { bindingConformance } from '../conformance/suite.ts';
import type { Binding } from '../contract.ts';
import { driver } from './redis.ts';

let server: TestServer;
beforeAll(async () => void (server = await startRedis()));
afterAll(() => server.stop());

function create(): Promise<Binding> {
  const options = testOptions('bindings.redis', { redisHost: `127.0.0.1:${server.port}` });
  return driver.create(options, { signal: new AbortController().signal });
}

bindingConformance({ name: 'bindings.redis', create, features: ['OUTPUT_BINDING'] });

describe('bindings.redis', () => {
  it('creates, gets, takes, counts and deletes keys, with a time to live where it is asked for', async () => {
    await using binding = await create();
    const plain = await createClient({ socket: { port: server.port } }).connect();
    const call = async (operation: string, metadata: Record<string, string>, text = '') => {
      const { data } = await binding.invoke({ operation, data: Buffer.from(text), metadata });
      return data === undefined ? undefined : Buffer.from(data).toString();
    };
    await call('create', { key: 'a' }, '"ü"');
    expect(await plain.get('a')).toBe('"ü"');
    expect(await plain.ttl('a')).toBe(-1);
    expect(await call('get', { key: 'a' })).toBe('"ü"');
    expect(await call('get', { key: 'a', delete: 'true' })).toBe('"ü"');
    expect(await call('get', { key: 'a' })).toBeUndefined();
    await call('create', { key: 'b', ttlInSeconds: '100' }, 'x');
    expect(await plain.ttl('b')).toBeGreaterThan(90);
    await call('increment', { key: 'n' });
    await call('increment', { key: 'n', ttlInSeconds: '100' });
    expect(await call('get', { key: 'n' })).toBe('2');
    expect(await plain.ttl('n')).toBeGreaterThan(90);
    await call('delete', { key: 'n' });
    expect(await plain.exists('n')).toBe(0);
    plain.destroy();
  });

  it.each([
    [{}, /needs the metadata "key"/],
    [{ key: 'a', ttlInSeconds: 'soon' }, /"ttlInSeconds" of a request must be a whole number/],
  ])('refuses a request with %j by name', async (metadata, message) => {
    await using binding = await create();
    const asking = binding.invoke({ operation: 'create', data: new Uint8Array(), metadata });
    await expect(asking).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    await expect(asking).rejects.toThrow(message);
  });

  it('passes on what the server refuses', async () => {
    await using binding = await create();
    const request = (operation: string, text: string) =>
      binding.invoke({ operation, data: Buffer.from(text), metadata: { key: 'text' } });
    await request('create', 'no number');
    await expect(request('increment', '')).rejects.toThrow(/redis answered: .*not an integer/);
  });
});
