import { describe, expect, it } from 'vitest';
import { ComponentError } from '../../runtime/core/errors.ts';
import { createTestClock, testOptions } from '../test-clock.ts';
import { Gathered } from './gathered.ts';

const options = testOptions('state.test', {}, createTestClock());

type Answer = (keys: readonly string[]) => Promise<ReadonlyMap<string, string>>;

const present: Answer = async (keys) =>
  new Map(keys.flatMap((key) => (key.startsWith('no') ? [] : [[key, `row of ${key}`]])));

function gathered(answer: Answer, limits: { lanes?: number; most?: number } = {}) {
  const asked: (readonly string[])[] = [];
  const reads = new Gathered({
    ...{ options, lanes: 1, most: 100, ...limits },
    fetch(keys) {
      asked.push(keys);
      return answer(keys);
    },
  });
  return { reads, asked };
}

describe('reads that wait together', () => {
  it('share one request, which names no key twice, and get each its own row or none', async () => {
    const { reads, asked } = gathered(present);
    const rows = await Promise.all(['a', 'b', 'none', 'a'].map((key) => reads.get(key)));
    expect(rows).toEqual(['row of a', 'row of b', undefined, 'row of a']);
    expect(asked).toEqual([['a', 'b', 'none']]);
  });

  it('wait for the request before theirs, or take a lane that is free', async () => {
    const gate = Promise.withResolvers<void>();
    const sent = Promise.withResolvers<void>();
    const held: Answer = async (keys) => {
      if (!keys.includes('slow')) return present(keys);
      sent.resolve();
      await gate.promise;
      return present(keys);
    };
    const one = gathered(held);
    const slow = one.reads.get('slow');
    await sent.promise;
    const later = Promise.all([one.reads.get('a'), one.reads.get('b')]);
    const two = gathered(held, { lanes: 2 });
    const alsoSlow = two.reads.get('slow');
    await expect.poll(() => two.asked).toEqual([['slow']]);
    expect(await two.reads.get('a')).toBe('row of a');
    expect(one.asked).toEqual([['slow']]);
    gate.resolve();
    await Promise.all([slow, alsoSlow, later]);
    expect(one.asked).toEqual([['slow'], ['a', 'b']]);
  });

  it('are divided where they are too many for one request', async () => {
    const { reads, asked } = gathered(present, { most: 2 });
    await Promise.all(['a', 'b', 'c'].map((key) => reads.get(key)));
    expect(asked).toEqual([['a', 'b'], ['c']]);
  });

  it('fail apart where one row is wrong', async () => {
    const { reads, asked } = gathered(async (keys) => {
      if (keys.includes('wrong')) throw new ComponentError(options, 'row "wrong" cannot be read');
      return present(keys);
    });
    const [good, bad] = [reads.get('good'), reads.get('wrong')];
    await expect(bad).rejects.toThrow('row "wrong" cannot be read');
    expect(await good).toBe('row of good');
    expect(asked).toEqual([['good', 'wrong'], ['good'], ['wrong']]);
  });

  it('fail together where nobody answers, each with an error of its own', async () => {
    const { reads, asked } = gathered(async () => {
      throw new ComponentError(options, 'cannot reach it', { code: 'UNAVAILABLE' });
    });
    const [one, two] = await Promise.allSettled([reads.get('a'), reads.get('b')]);
    const errors = [one, two].map((result) => (result as PromiseRejectedResult).reason);
    for (const { code, message } of errors as ComponentError[]) {
      expect(code).toBe('UNAVAILABLE');
      expect(message).toBe('component "subject" (state.test): cannot reach it');
    }
    expect(errors[0]).not.toBe(errors[1]);
    expect(asked).toHaveLength(1);
  });

  it('have all been answered when it has drained', async () => {
    const { reads } = gathered(present, { most: 1 });
    let answered = 0;
    for (const key of ['a', 'b', 'c']) void reads.get(key).then(() => (answered += 1));
    await reads.drain();
    expect(answered).toBe(3);
  });
});
