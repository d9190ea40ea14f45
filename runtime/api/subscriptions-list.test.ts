import { expect, it } from 'vitest';
import { parseAppSubscriptions } from './subscriptions-list.ts';

const rulesOf = (more: object) =>
  parseAppSubscriptions(JSON.stringify([{ pubsubname: 'p', topic: 't', ...more }]))[0]?.rules;

it('takes the single route also beside routes, behind their rules and in the place of a default', () => {
  expect(rulesOf({ route: '/a', routes: {} })).toEqual([{ path: '/a' }]);
  const rules = [{ match: 'event.type == "x"', path: '/x' }];
  expect(rulesOf({ route: '/a', routes: { rules } })).toEqual([...rules, { path: '/a' }]);
  expect(rulesOf({ route: '/a', routes: { default: '/b' } })).toEqual([{ path: '/b' }]);
});

it('has a rule of an empty match take every event', () => {
  expect(rulesOf({ routes: { rules: [{ match: ' ', path: '/x' }] } })).toEqual([{ path: '/x' }]);
});

it('leaves out a topic without any route', () => {
  expect(rulesOf({ routes: {} })).toBeUndefined();
});
