import { describe, expect, it } from 'vitest';
import { createTestClock, testOptions } from '../../test-clock.ts';
import { nameResolutionConformance } from '../conformance/suite.ts';
import { AddressBook, addressesIn, recordsOf } from './mdns-records.ts';
import { driver } from './mdns.ts';

nameResolutionConformance({
  name: 'nameresolution.mdns',
  create: () =>
    driver.create(testOptions('nameresolution.mdns', {}), { signal: new AbortController().signal }),
});

it('nameresolution.mdns finds nothing under a name that DNS cannot carry', async () => {
  const options = testOptions('nameresolution.mdns', {});
  await using resolver = await driver.create(options, { signal: new AbortController().signal });
  const appId = 'a'.repeat(64);
  await resolver.register({ appId, namespace: '', host: '127.0.0.1', port: 1 });
  await expect(resolver.resolve({ appId })).rejects.toMatchObject({ code: 'NOT_FOUND' });
});

const host = { appId: 'Shop', instance: 'box:42', machine: 'box', host: '10.0.0.7', port: 50_002 };

describe('the records of nameresolution.mdns', () => {
  it('are those of zeroconf: the app id as service, its TXT, port and address', () => {
    const { answers, additionals } = recordsOf(host);
    expect(answers).toEqual([
      { name: 'shop.local', type: 'PTR', ttl: 120, data: 'box:42.shop.local' },
    ]);
    expect(additionals).toMatchObject([
      { name: 'box:42.shop.local', type: 'SRV', data: { port: 50_002, target: 'box-42.local' } },
      { name: 'box:42.shop.local', type: 'TXT', data: ['Shop'] },
      { name: 'box-42.local', type: 'A', data: '10.0.0.7' },
    ]);
  });

  it('tell of a host, and that it has gone', () => {
    const address = { host: '10.0.0.7', port: 50_002 };
    expect(addressesIn(recordsOf(host))).toEqual([{ appId: 'shop', address, gone: false }]);
    expect(addressesIn(recordsOf(host, 0))).toEqual([{ appId: 'shop', address, gone: true }]);
  });

  it('tell nothing when they are incomplete, or of another app than they say', () => {
    const { answers, additionals } = recordsOf(host);
    const [srv, txt, a] = additionals;
    for (const some of [[srv, txt], [srv, a], [txt, a], []])
      expect(addressesIn({ answers, additionals: some as typeof additionals })).toEqual([]);
    const lie = { ...txt!, data: ['bank'] } as typeof txt;
    expect(addressesIn({ answers, additionals: [srv!, lie!, a!] })).toEqual([]);
  });

  it('are remembered for a minute, and given in turn', () => {
    const clock = createTestClock();
    const book = new AddressBook(clock.now);
    const one = { host: 'a', port: 1 };
    const two = { host: 'b', port: 2 };
    book.add('shop', one);
    clock.advance(30_000);
    book.add('shop', two);
    expect([book.next('shop'), book.next('shop'), book.next('shop')]).toEqual([one, two, one]);
    clock.advance(30_000);
    expect([book.next('shop'), book.next('shop')]).toEqual([two, two]);
    clock.advance(30_000);
    expect(book.next('shop')).toBeUndefined();
  });
});
