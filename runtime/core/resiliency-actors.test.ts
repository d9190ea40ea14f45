import { expect, it } from 'vitest';
import { ActorError, TroupeError } from './errors.ts';
import type { ActorRuntime, OutgoingCall } from './ports.ts';
import { bench } from './resiliency.fixture.ts';
import { underActorPolicies } from './resiliency-actors.ts';

const retries = {
  r: { policy: 'constant', durationMs: 10, maxIntervalMs: 0, maxRetries: 2 } as const,
};

/** Actors whose calls fail with what is given, one after the other, and answer then. */
function start(...failures: Error[]) {
  const calls: OutgoingCall[] = [];
  const { resiliency, clock } = bench({ retries, actors: { Cart: { retry: 'r' } } });
  const actors = {
    async call(call: OutgoingCall) {
      calls.push(call);
      const failure = failures.shift();
      if (failure) throw failure;
      return call.payload;
    },
  } as unknown as ActorRuntime;
  return { calls, clock, actors: underActorPolicies(actors, resiliency) };
}

const call = { type: 'Cart', id: '1', method: 'add', payload: new Uint8Array([1]) };

it('a call that failed is made again, with the same payload', async () => {
  const { actors, calls, clock } = start(new Error('away'), new Error('away'));
  const answer = actors.call(call);
  await clock.advance(100);
  expect(await answer).toEqual(new Uint8Array([1]));
  expect(calls).toHaveLength(3);
});

it.each([
  new ActorError('SOLD_OUT', 'none left'),
  new TroupeError('METHOD_NOT_FOUND', 'no such method'),
  new TroupeError('DEADLOCK', 'a circle'),
])('an error that stays the same is not tried again: $message', async (error) => {
  const { actors, calls } = start(error);
  await expect(actors.call(call)).rejects.toBe(error);
  expect(calls).toHaveLength(1);
});

it.each([
  ['a timer', { kind: 'timer' as const }],
  ['a durable send', { once: { key: 'k', stream: '', seq: 1 } }],
  ['a type without a policy', { type: 'Other' }],
])('%s passes', async (_what, more) => {
  const { actors, calls } = start(new Error('away'));
  await expect(actors.call({ ...call, ...more })).rejects.toThrow('away');
  expect(calls).toHaveLength(1);
});
