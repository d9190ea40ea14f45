import { expect, test } from 'vitest';
import { categoryOf } from './error-telemetry.ts';
import { baggageProblem, freshTraceparent, spanNameOf } from './trace-context.ts';

test.each(['', 'key1=value1,key2=value2', 'a=b;property;p=1', 'a=%20x , b=2'])(
  'takes baggage %j',
  (text) => {
    expect(baggageProblem(text)).toBeUndefined();
  },
);

test.each(['invalid-baggage', '=x', 'a b=c', 'a="x"', 'a=b,,c=d', `a=${'x'.repeat(8200)}`])(
  'refuses baggage %.20s',
  (text) => {
    expect(baggageProblem(text)).toMatch(/^invalid baggage header/);
  },
);

test('a trace begun here is valid and not sampled', () => {
  expect(freshTraceparent()).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/);
});

test.each([
  ['/v1.0/invoke/web/method/orders/1', 'CallLocal/web/orders/1'],
  ['/v1.0/actors/Cart/c-1/method/add', 'CallActor/Cart/add'],
  ['/v1.0/state/store/key', '/v1.0/state/store/key'],
])('names the span of %s', (path, name) => {
  expect(spanNameOf(path)).toBe(name);
});

test.each([
  ['ERR_STATE_SAVE', 'state'],
  ['ERR_ACTOR_STATE_GET', 'actor'],
  ['ERR_DIRECT_INVOKE', 'service-invocation'],
  ['ERR_PUBSUB_NOT_FOUND', 'pubsub'],
  ['ERR_UNLOCK', 'lock'],
  ['DAPR_SCHEDULER_GET_JOB', 'job'],
  ['ERR_BODY_READ', 'common'],
])('puts %s into its category', (code, category) => {
  expect(categoryOf(code)).toBe(category);
});
