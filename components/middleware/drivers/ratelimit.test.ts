import { describe, expect, it } from 'vitest';
import { createTestClock, testOptions } from '../../test-clock.ts';
import { middlewareConformance, through } from '../conformance/suite.ts';
import { driver } from './ratelimit.ts';

const type = 'middleware.http.ratelimit';
const clock = createTestClock();
const { signal } = new AbortController();
const open = (metadata: Record<string, string>) =>
  driver.create(testOptions(type, metadata, clock), { signal });

middlewareConformance({ name: 'middleware.http.ratelimit', create: () => open({}), allowed: {} });

describe('a limit of 10 requests a second with a burst of 50', () => {
  it('lets 50 through at once, then 10 a second, and answers 429 to the rest', async () => {
    await using limit = await open({ maxRequestsPerSecond: '10', burst: '50' });
    const passed = async (count: number): Promise<number> => {
      let through429 = 0;
      for (let i = 0; i < count; i++) {
        const { answer } = await through(limit, {});
        if (answer.status !== 429) through429 += 1;
      }
      return through429;
    };
    expect(await passed(80)).toBe(50);
    clock.advance(1000);
    expect(await passed(80)).toBe(10);
    clock.advance(60_000);
    expect(await passed(80)).toBe(50);
  });

  it('says so in words and headers', async () => {
    await using limit = await open({ maxRequestsPerSecond: '1' });
    expect((await through(limit, {})).answer.headers).toMatchObject({
      'x-rate-limit-limit': '1.00',
    });
    expect((await through(limit, {})).answer).toMatchObject({
      status: 429,
      contentType: 'text/plain; charset=utf-8',
      body: 'You have reached maximum request limit.',
    });
  });

  it('counts each client and each path for itself', async () => {
    await using limit = await open({ maxRequestsPerSecond: '1' });
    const statuses = [];
    for (const request of [{}, { path: '/other' }, { remoteAddress: '10.0.0.1' }, {}])
      statuses.push((await through(limit, request)).answer.status);
    expect(statuses).toEqual([204, 204, 204, 429]);
  });
});

it.each(['0', '-1', 'many'])('refuses %s requests a second', async (value) => {
  await expect(open({ maxRequestsPerSecond: value })).rejects.toThrow(/maxRequestsPerSecond/);
});
