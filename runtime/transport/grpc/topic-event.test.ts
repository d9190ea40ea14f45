import { expect, it } from 'vitest';
import { topicEvent } from './topic-event.ts';

function dataOf(datacontenttype: string, data: unknown): string {
  const event = {
    id: '1',
    source: 's',
    type: 't',
    specversion: '1.0',
    topic: 'x',
    pubsubname: 'p',
  };
  const message = topicEvent({ event: { ...event, datacontenttype, data } as never, path: '' });
  return Buffer.from((message as { data: Uint8Array }).data).toString();
}

it.each([
  ['application/json; charset=utf-8', { a: 1 }, '{"a":1}'],
  ['application/cloudevents+json', 'x', '"x"'],
  ['text/plain', 'x', 'x'],
  ['application/xml', '<x/>', '<x/>'],
  ['foo/bar', 'x', ''],
])('data of type %s reaches the app as in daprd', (type, data, expected) => {
  expect(dataOf(type, data)).toBe(expected);
});

it('says of a dead letter which topic was subscribed to, not where it was published', () => {
  const event = {
    id: '1',
    source: 's',
    type: 't',
    specversion: '1.0',
    topic: 'x',
    pubsubname: 'p',
  };
  expect(topicEvent({ event: event as never, path: '', topic: 'dead' })).toMatchObject({
    topic: 'dead',
  });
});
