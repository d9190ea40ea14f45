import { describe, expect, it } from 'vitest';
import { testOptions } from '../../test-clock.ts';
import { middlewareConformance, through } from '../conformance/suite.ts';
import { driver } from './routeralias.ts';

const type = 'middleware.http.routeralias';
const { signal } = new AbortController();
const open = (metadata: Record<string, string>) =>
  driver.create(testOptions(type, metadata), { signal });

middlewareConformance({ name: 'middleware.http.routeralias', create: () => open({}), allowed: {} });

const routes = JSON.stringify({
  '/hello': '/v1.0/invoke/shop/method/hello',
  '/orders/{id}/lines/{line:[0-9]+}': '/v1.0/invoke/shop/method/line',
});

describe('an alias', () => {
  it.each([
    ['/hello', 'a=1', '/v1.0/invoke/shop/method/hello', 'a=1'],
    ['/orders/o%201/lines/7', '', '/v1.0/invoke/shop/method/line', 'id=o+1&line=7'],
    ['/orders/o1/lines/7', 'z=1', '/v1.0/invoke/shop/method/line', 'id=o1&line=7&z=1'],
    ['/orders/o1/lines/x', '', '/orders/o1/lines/x', ''],
    ['/hello/more', '', '/hello/more', ''],
  ])('makes of %s?%s: %s?%s', async (path, query, toPath, toQuery) => {
    await using alias = await open({ routes });
    const { passed } = await through(alias, { path, query });
    expect(passed).toMatchObject({ path: toPath, query: toQuery });
  });

  it('may be written in YAML', async () => {
    await using alias = await open({ routes: '/hello: /there\n' });
    expect((await through(alias, { path: '/hello' })).passed).toMatchObject({ path: '/there' });
  });

  it.each(['[a]', '"/a": 1', '/a: there', '{"/a', '"/{x:[}": /b'])(
    'is refused as %s',
    async (text) => {
      await expect(open({ routes: text })).rejects.toThrow(/"routes"/);
    },
  );
});
