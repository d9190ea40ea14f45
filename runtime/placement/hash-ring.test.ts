import { describe, expect, it } from 'vitest';
import { createHashRing, createPoints } from './hash-ring.ts';

describe('the points of a host', () => {
  it.each([
    [
      '192.168.1.83:60992',
      [
        11414427053803968138n,
        6110756290993384529n,
        13876541546109691082n,
        12165331075625862737n,
        9528020266818944582n,
      ],
    ],
    ['192.168.1.89:62362', [13384490355354205375n, 11281728843146723001n, 694935339057032644n]],
  ])('are those that Dapr has for %s', (host, expected) => {
    expect([...createPoints(expected.length)(host)]).toEqual(expected);
  });
});

describe('a ring', () => {
  const hosts = (...names: string[]): Map<string, string> =>
    new Map(names.map((name) => [name, name]));
  const ids = Array.from({ length: 1000 }, (_, i) => `actor-${i}`);

  it('spreads the actors over all hosts and keeps those of the hosts that stay', () => {
    const points = createPoints(100);
    const before = createHashRing(hosts('a:1', 'b:1', 'c:1'), points);
    const after = createHashRing(hosts('a:1', 'c:1'), points);
    for (const id of ids) {
      const owner = before.ownerOf(id);
      if (owner !== 'b:1') expect(after.ownerOf(id)).toBe(owner);
    }
    expect(new Set(ids.map((id) => before.ownerOf(id)))).toEqual(new Set(['a:1', 'b:1', 'c:1']));
  });

  it('is the same in whatever order the hosts came', () => {
    const points = createPoints(10);
    const one = createHashRing(hosts('a:1', 'b:1'), points);
    const other = createHashRing(hosts('b:1', 'a:1'), points);
    for (const id of ids) expect(one.ownerOf(id)).toBe(other.ownerOf(id));
  });

  it('without hosts has no owner', () => {
    expect(() => createHashRing(new Map(), createPoints(10)).ownerOf('x')).toThrow(RangeError);
  });
});
