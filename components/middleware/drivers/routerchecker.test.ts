import { expect, it } from 'vitest';
import { testOptions } from '../../test-clock.ts';
import { middlewareConformance, through } from '../conformance/suite.ts';
import { driver } from './routerchecker.ts';

const type = 'middleware.http.routerchecker';
const { signal } = new AbortController();
const open = (rule: string) => driver.create(testOptions(type, { rule }), { signal });

middlewareConformance({
  name: 'middleware.http.routerchecker',
  create: () => open('^/v1\\.0/'),
  allowed: {},
});

it('answers 400 to a path and query that the rule does not match', async () => {
  await using checker = await open('^[A-Za-z0-9/._?=-]+$');
  expect((await through(checker, { path: '/a', query: 'b=1' })).answer.status).toBe(204);
  const { answer, passed } = await through(checker, { path: '/a', query: 'b=%27' });
  expect(answer).toMatchObject({ status: 400, body: 'invalid router' });
  expect(passed).toBeUndefined();
});

it('refuses a rule that is no regular expression', async () => {
  await expect(open('[')).rejects.toThrow(/"rule" is not a regular expression/);
});
