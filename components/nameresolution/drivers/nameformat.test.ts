import { describe, expect, it } from 'vitest';
import { testOptions } from '../../test-clock.ts';
import { nameResolutionConformance } from '../conformance/suite.ts';
import type { NameResolver } from '../contract.ts';
import { driver } from './nameformat.ts';

const FORMAT = 'service-{appid}.default.internal';

function create(metadata: Record<string, string> = { format: FORMAT }): Promise<NameResolver> {
  const signal = new AbortController().signal;
  return driver.create(testOptions('nameresolution.nameformat', metadata), { signal });
}

nameResolutionConformance({
  name: 'nameresolution.nameformat',
  create: () => create(),
  keepsHosts: false,
});

describe('nameresolution.nameformat', () => {
  it.each([
    [FORMAT, 'service-shop.default.internal', 50_002],
    ['{appid}:3500', 'shop', 3_500],
    ['{appid}.{appid}.internal:1', 'shop.shop.internal', 1],
  ])('puts the app into %s', async (format, host, port) => {
    await using resolver = await create({ format });
    expect(await resolver.resolve({ appId: 'shop' })).toEqual({ host, port });
  });

  it.each(['', 'a b', 'evil:80', 'a/b', 'a@b'])('finds nothing for the id "%s"', async (appId) => {
    await using resolver = await create();
    await expect(resolver.resolve({ appId })).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it.each([
    [{}, /"format" is required/],
    [{ format: 'shop.internal' }, /"format" must contain \{appid\}/],
    [{ format: 'http://{appid}/' }, /"format" must be a host/],
    [{ format: '{appid}:0' }, /"format" must be a host/],
  ])('refuses %j by name', async (metadata, message) => {
    await expect(create(metadata)).rejects.toThrow(message);
  });
});
