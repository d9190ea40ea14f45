import { expect, it } from 'vitest';
import {
  decodeRow,
  encodeRow,
  inOrderOfSending,
  outboxRowName,
  type OutboxRow,
} from './outbox-row.ts';

const row = (id: string, stream: string, first: number): OutboxRow => ({
  sender: { type: 'T', id },
  name: outboxRowName(first, stream),
  stream,
  first,
  messages: [{ kind: 'call', type: 'R', id: 'r', method: 'm', json: '1' }],
});

it('comes back from the store as it was', () => {
  const one = row('a', 's', 67_108_864);
  expect(decodeRow(one.sender, one.name, encodeRow(one))).toEqual(one);
});

it('has a name that sorts by number and differs between two lives of an actor', () => {
  expect(outboxRowName(9, 's') < outboxRowName(10, 's')).toBe(true);
  expect(outboxRowName(9, 's')).not.toBe(outboxRowName(9, 't'));
});

it('is sent in the order of its numbers, although the clock was set back between two', () => {
  const found = [row('a', 's', 3), row('b', 's', 1), row('a', 's', 1), row('a', 's', 2)];
  const order = inOrderOfSending(found).map(({ sender, first }) => `${sender.id}${first}`);
  expect(order.filter((name) => name.startsWith('a'))).toEqual(['a1', 'a2', 'a3']);
  expect(order).toHaveLength(4);
});

it('of an earlier life goes before those of a later one, whose numbers begin again', () => {
  const found = [row('a', 'old', 5), row('a', 'new', 1), row('a', 'old', 6)];
  expect(inOrderOfSending(found).map(({ stream }) => stream)).toEqual(['old', 'old', 'new']);
});
