import { describe, expect, it } from 'vitest';
import { Balancer } from './balancer.ts';

const three = [{ id: 'a' }, { id: 'b' }, { id: 'c' }];

describe('a balancer', () => {
  it('has nothing to give where no instance is', () => {
    for (const strategy of ['roundRobin', 'weighted', 'leastInFlight'] as const)
      expect(new Balancer(strategy).pick([])).toBeUndefined();
  });

  it('gives each its turn', () => {
    const balancer = new Balancer('roundRobin');
    const picks = Array.from({ length: 6 }, () => balancer.pick(three)!.instance.id);
    expect(picks).toEqual(['a', 'b', 'c', 'a', 'b', 'c']);
  });

  it('gives shares by weight, never in bursts, and forgets who is gone', () => {
    const balancer = new Balancer('weighted');
    const some = [{ id: 'a', weight: 4 }, { id: 'b', weight: 1 }, { id: 'c' }];
    const picks = Array.from({ length: 12 }, () => balancer.pick(some)!.instance.id);
    expect(picks.filter((id) => id === 'a')).toHaveLength(8);
    expect(picks.filter((id) => id === 'b')).toHaveLength(2);
    expect(picks.join('')).not.toContain('aaaa');
    expect(balancer.pick([{ id: 'c' }])!.instance.id).toBe('c');
  });

  it('gives the next call to who has the fewest, until calls are over', () => {
    const balancer = new Balancer('leastInFlight');
    const first = [balancer.pick(three)!, balancer.pick(three)!, balancer.pick(three)!];
    expect(new Set(first.map(({ instance }) => instance.id)).size).toBe(3);
    const [one] = first;
    one!.release();
    one!.release();
    expect(balancer.pick(three)!.instance.id).toBe(one!.instance.id);
  });
});
