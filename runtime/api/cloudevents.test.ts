import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromEventBytes, fromRaw, hasExpired, toEventBytes, type Envelope } from './cloudevents.ts';

const NOW = Date.parse('2026-03-01T10:00:00.750Z');

function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function wrapped(data: string | Uint8Array, rest: Partial<Envelope> = {}): string {
  const bytes = toEventBytes({
    source: 'shop',
    topic: 't',
    pubsubname: 'pubsub',
    contentType: 'application/json',
    data: typeof data === 'string' ? bytesOf(data) : data,
    metadata: {},
    now: NOW,
    brokerHasTtl: false,
    ...rest,
  });
  return new TextDecoder().decode(bytes);
}

describe('wrapping', () => {
  it('keeps every digit of JSON numbers', () => {
    expect(wrapped('{"n":12345678901234567890.10}')).toContain(
      '"data":{"n":12345678901234567890.10}',
    );
    const contentType = 'application/cloudevents+json';
    expect(wrapped('{"data":12345678901234567890}', { contentType })).toContain(
      '"data":12345678901234567890',
    );
  });

  it('gives any JSON value to the subscriber as it was', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const { event } = fromEventBytes(bytesOf(wrapped(JSON.stringify(value))), 't', 'pubsub');
        expect(event.data).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });

  it('gives any bytes to the subscriber as base64', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (data) => {
        const text = wrapped(data, { contentType: 'application/octet-stream' });
        const { event } = fromEventBytes(bytesOf(text), 't', 'pubsub');
        expect([...Buffer.from(event.data as string, 'base64')]).toEqual([...data]);
      }),
    );
  });

  it('without a content type is text/plain', () => {
    const event = JSON.parse(wrapped('hi', { contentType: undefined }));
    expect(event).toMatchObject({ datacontenttype: 'text/plain', data: 'hi' });
  });

  it('uses the given id, unless metadata names another', () => {
    expect(JSON.parse(wrapped('1', { id: 'a' })).id).toBe('a');
    const metadata = { 'CloudEvent.ID': 'b' };
    expect(JSON.parse(wrapped('1', { id: 'a', metadata })).id).toBe('b');
  });

  it('lets an overriding traceparent go before the trace id', () => {
    const metadata = { 'cloudevent.traceid': 'x', 'cloudevent.traceparent': 'y' };
    expect(JSON.parse(wrapped('1', { metadata }))).toMatchObject({
      traceid: 'y',
      traceparent: 'y',
    });
  });

  it('makes no event of something else that claims to be one', () => {
    for (const text of ['[1]', 'null', '"a"', '{']) {
      const envelope = { contentType: 'application/cloudevents+json', data: bytesOf(text) };
      expect(
        toEventBytes({
          source: 's',
          topic: 't',
          pubsubname: 'p',
          metadata: {},
          now: NOW,
          brokerHasTtl: false,
          ...envelope,
        }),
      ).toBeUndefined();
    }
  });
});

describe('expiry', () => {
  const at = (metadata: Record<string, string>, brokerHasTtl = false): string | undefined =>
    JSON.parse(wrapped('1', { metadata, brokerHasTtl })).expiration;

  it.each([
    [{ ttlInSeconds: '90' }, '2026-03-01T10:01:30Z'],
    [{ ttlInSeconds: '1m30s' }, '2026-03-01T10:01:30Z'],
    [{ TTLINSECONDS: '90' }, '2026-03-01T10:01:30Z'],
    [{ ttlInSeconds: '0' }, undefined],
    [{ ttlInSeconds: 'soon' }, undefined],
    [{}, undefined],
  ])('of %j is %s', (metadata, expiration) => {
    expect(at(metadata as Record<string, string>)).toBe(expiration);
  });

  it('is left to a broker that has it', () => {
    expect(at({ ttlInSeconds: '90' }, true)).toBeUndefined();
  });

  it('has come when the time is past', () => {
    const metadata = { ttlInSeconds: '90' };
    const { event } = fromEventBytes(bytesOf(wrapped('1', { metadata })), 't', 'pubsub');
    expect(hasExpired(event, NOW + 89_000)).toBe(false);
    expect(hasExpired(event, NOW + 91_000)).toBe(true);
  });
});

describe('what comes from a broker', () => {
  it.each(['', 'no json', '[]', '7'])('is no event: %s', (text) => {
    expect(() => fromEventBytes(bytesOf(text), 't', 'pubsub')).toThrow(/JSON/);
  });

  it('without an envelope becomes one, with the bytes as base64', () => {
    const { event, bytes } = fromRaw(bytesOf('abc'), 't', 'pubsub');
    expect(event).toMatchObject({ topic: 't', datacontenttype: 'application/octet-stream' });
    expect(JSON.parse(new TextDecoder().decode(bytes))).toMatchObject({ data_base64: 'YWJj' });
  });
});
