import { expect, it } from 'vitest';
import { parseResources } from './resources.ts';

it('has a rule of an empty match take every event', () => {
  const text = `apiVersion: dapr.io/v2alpha1
kind: Subscription
metadata:
  name: s
spec:
  pubsubname: p
  topic: t
  routes:
    rules:
    - path: /a
      match: ""
    - path: /b
      match: event.type == "x"
`;
  const { subscriptions } = parseResources([{ path: 'a.yaml', text }], {
    kinds: ['Subscription'],
  });
  expect(subscriptions[0]?.rules).toEqual([
    { path: '/a' },
    { match: 'event.type == "x"', path: '/b' },
  ]);
});
