import { expect, it } from 'vitest';
import { createAccessControl, type Caller } from './access-control.ts';

const policy = {
  appId: 'web',
  defaultAction: 'deny' as const,
  trustDomain: 'public',
  namespace: 'default',
  operations: [
    { name: '/orders/*', httpVerb: ['POST', 'GET'], action: 'allow' as const },
    { name: '/files/**', httpVerb: ['*'], action: 'allow' as const },
    { name: 'stock', httpVerb: ['GET'], action: 'allow' as const },
  ],
};
const web: Caller = { appId: 'web', namespace: 'default', trustDomain: 'public' };

const check = (isHttp: boolean, defaultAction: 'allow' | 'deny' = 'deny') => {
  const control = createAccessControl(
    { defaultAction, trustDomain: 'public', policies: [policy] },
    isHttp,
  );
  return (caller: Caller | undefined, verb: string | undefined, operation: string) =>
    control({ caller, operation, verb, isHttp });
};

it.each([
  ['POST', '/orders/1', true],
  ['POST', 'Orders/1', true],
  ['PUT', '/orders/1', false],
  ['POST', '/orders/1/lines', false],
  ['DELETE', '/files/a/b', true],
  ['GET', '/stock/7', true],
  ['GET', '/other', false],
])('an HTTP caller that is known: %s %s is allowed: %s', (verb, operation, allowed) => {
  expect(check(true)(web, verb, operation) === undefined).toBe(allowed);
});

it('a gRPC call has no verb, and names count as they are', () => {
  expect(check(false)(web, undefined, '/orders/1')).toBeUndefined();
  expect(check(false)(web, undefined, '/Orders/1')).toMatch(/denied/);
});

it('the default action counts for a caller that is not known, or that no policy names', () => {
  expect(check(true)(undefined, 'GET', '/orders/1')).toBe(
    'access control policy has denied access to id: unknown operation: /orders/1 verb: GET',
  );
  expect(check(true, 'allow')(undefined, 'GET', '/other')).toBeUndefined();
  expect(check(true, 'allow')({ ...web, namespace: 'prod' }, 'GET', '/other')).toBeUndefined();
  expect(check(true, 'allow')({ ...web, trustDomain: 'x' }, 'GET', '/other')).toBeUndefined();
  expect(check(true, 'allow')(web, 'GET', '/other')).toMatch(/\/ns\/default\/web operation/);
});
