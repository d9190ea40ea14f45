import { expect, it } from 'vitest';
import type { HistoryItem, OrderState } from './api.ts';
import { canMove, mark, move, NO_STATUS } from './states.ts';

const STATES: readonly OrderState[] = [
  'created',
  'reserved',
  'authorised',
  'confirmed',
  'shipped',
  'delivered',
  'rejected',
  'cancelled',
  'returned',
];

const ALLOWED = [
  'created reserved',
  'created rejected',
  'created cancelled',
  'reserved authorised',
  'reserved rejected',
  'reserved cancelled',
  'authorised confirmed',
  'authorised rejected',
  'authorised cancelled',
  'confirmed shipped',
  'confirmed cancelled',
  'shipped shipped',
  'shipped delivered',
  'shipped cancelled',
  'shipped returned',
  'delivered cancelled',
  'delivered returned',
];

it('knows these ways between states and no other', () => {
  const ways = STATES.flatMap((from) =>
    STATES.filter((to) => canMove(from, to)).map((to) => `${from} ${to}`),
  );
  expect(ways).toEqual(ALLOWED);
});

it('refuses every other way with the state named, and changes nothing', () => {
  for (const state of STATES) {
    for (const to of STATES) {
      if (canMove(state, to)) continue;
      const status = { ...NO_STATUS, state };
      const trail: HistoryItem[] = [];
      expect(() => move('536365', status, trail, { to, at: 1, note: '' })).toThrow(
        `order 536365 is ${state} and cannot be ${to}`,
      );
      expect([status.state, trail.length]).toEqual([state, 0]);
    }
  }
});

it('keeps the last 50 steps of the audit trail', () => {
  const status = { ...NO_STATUS, state: 'shipped' as const };
  const trail: HistoryItem[] = [];
  for (let at = 1; at <= 60; at++) move('1', status, trail, { to: 'shipped', at, note: `${at}` });
  expect([trail.length, trail[0]?.at, trail.at(-1)?.at, status.changedAt]).toEqual([
    50, 11, 60, 60,
  ]);
});

it('marks one answer among many', () => {
  expect(mark('....', 2, 'r')).toBe('..r.');
});
