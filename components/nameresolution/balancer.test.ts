import { describe, expect, it } from 'vitest';
import { Balancer, HostBalancer } from './balancer.ts';

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

describe('the balancers of a resolver', () => {
  const hosts = three.map(({ id }, i) => ({ id, host: 'h', port: i }));
  const [a, b] = hosts;

  it('count calls only where the count decides', () => {
    expect(new HostBalancer('roundRobin').pick('app', hosts)).toEqual({ host: 'h', port: 0 });
    expect(new HostBalancer('leastInFlight').pick('app', hosts)).toHaveProperty('release');
  });

  it('keep the count of a host that was away meanwhile', () => {
    const balancer = new HostBalancer('leastInFlight');
    const busy = balancer.pick('app', [a!])!;
    expect(balancer.pick('app', [])).toBeUndefined();
    const pick = (): number => {
      const { port, release } = balancer.pick('app', [a!, b!])!;
      release!();
      return port;
    };
    expect([pick(), pick(), pick()]).toEqual([1, 1, 1]);
    busy.release!();
    expect(new Set([pick(), pick()])).toEqual(new Set([0, 1]));
  });
});
