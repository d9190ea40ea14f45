/** Behaviours of calls: errors, values, giving up, deadlines. */
import { expect } from 'vitest';
import { codeOf, errorOf } from '../stage.ts';
import type { Probe } from './actors.ts';
import type { Behaviour } from './behaviour.ts';
import { waitFor, type BehaviourStage } from './stage.ts';

export const CALLS: readonly Behaviour[] = [
  {
    topic: 'errors',
    says: 'an application error reaches the caller with code, message, details and status',
    async shows({ ref, id }) {
      const error = await errorOf(ref<Probe>('Probe', id).setBothAndThrow('application'));
      expect(error).toMatchObject({
        code: 'SOLD_OUT',
        message: 'none left',
        details: { sku: '85123A', left: 0, more: [{ deep: null }] },
        status: 409,
        application: true,
        retryable: false,
        actor: { type: 'Probe', id },
        method: 'setBothAndThrow',
      });
    },
  },
  {
    topic: 'errors',
    says: 'an unknown method and an argument that is no JSON are refused by name',
    async shows({ ref, id }) {
      const probe = ref<Probe & { fly(): Promise<void> }>('Probe', id);
      expect(await codeOf(probe.fly())).toBe('METHOD_NOT_FOUND');
      const odd = async (): Promise<unknown> => probe.echo({ big: 1n });
      expect(await codeOf(odd())).toBe('INVALID_ARGUMENT');
    },
  },
  {
    topic: 'errors',
    says: 'an actor type that nobody hosts is NOT_FOUND',
    async shows({ ref, id }) {
      expect(await codeOf(ref<Probe>('Nobody', id).add(1))).toBe('NOT_FOUND');
    },
  },
  {
    topic: 'values',
    says: 'arguments and answers are JSON values, and nothing is an answer too',
    async shows({ ref, id }) {
      const probe = ref<Probe>('Probe', id);
      const value = { text: 'ü "quoted" <b>', n: -1.5, list: [null, true, {}], none: null };
      expect(await probe.echo(value)).toEqual(value);
      expect(await probe.echo(undefined)).toBeUndefined();
      expect(await probe.echo(new Date(0))).toBe('1970-01-01T00:00:00.000Z');
    },
  },
  {
    topic: 'values',
    says: 'an actor knows which actor called it',
    async shows({ ref, id }) {
      expect(await ref<Probe>('Probe', id).caller()).toBe('outside');
      const caller = { type: 'Probe', id };
      expect(await ref<Probe>('Probe', id).callerOf(`${id}-b`)).toEqual(caller);
    },
  },
  {
    topic: 'cancellation',
    says: 'a caller that gives up gets CANCELLED, and the turn is told by its signal',
    limit: {
      on: ['dapr-troupe', 'dapr-stream'],
      says: 'the caller gets CANCELLED; the turn is not told, and ends by itself or at its deadline',
      source:
        'the actor event stream of dapr/proto/runtime/v1 has no message for it; troupe sidecar waits for what runs in an app, so that no second turn begins beside it',
      async shows(stage) {
        await givingUp(stage);
        stage.services.open(`${stage.id} gate`);
        const line = `${stage.id} gate went on`;
        await waitFor(() => stage.services.log.includes(line), 'the turn goes on');
      },
    },
    async shows(stage) {
      await givingUp(stage);
      const line = `${stage.id} gate was given up`;
      await waitFor(() => stage.services.log.includes(line), 'the turn is told');
    },
  },
  {
    topic: 'deadlines',
    says: 'a call that is late ends with TIMEOUT, and one that waits is dropped from the queue',
    async shows({ ref, services, id }) {
      const probe = ref<Probe>('Probe', id);
      const held = probe.hold(`${id} gate`);
      await waitFor(() => services.held(`${id} gate`) === 1, 'the actor is busy');
      expect(await codeOf(probe.note(`${id} too late`, { timeout: 300 }))).toBe('TIMEOUT');
      // The caller knows first; when a second call was late as well, the host has dropped the first.
      expect(await codeOf(probe.note(`${id} later`, { timeout: 1500 }))).toBe('TIMEOUT');
      services.open(`${id} gate`);
      await held;
      await probe.note(`${id} in time`);
      expect(services.log).toContain(`${id} in time`);
      expect(services.log).not.toContain(`${id} too late`);
    },
  },
  {
    topic: 'deadlines',
    says: 'time that is left shrinks along a chain of calls',
    async shows({ ref, id }) {
      const left = await ref<Probe>('Probe', id).timesLeft(`${id}-b`, { timeout: 20_000 });
      const [outer = 0, inner = 0] = left;
      expect(outer).toBeLessThanOrEqual(20_000);
      expect(inner).toBeLessThanOrEqual(outer + 1);
      expect(inner).toBeGreaterThan(0);
    },
  },
];

async function givingUp({ ref, services, id }: BehaviourStage): Promise<void> {
  const gate = `${id} gate`;
  const controller = new AbortController();
  const call = ref<Probe>('Probe', id).untilGivenUp(gate, { signal: controller.signal });
  const code = codeOf(call);
  await waitFor(() => services.log.includes(`${gate} begins`), 'the turn runs');
  controller.abort();
  expect(await code).toBe('CANCELLED');
}
