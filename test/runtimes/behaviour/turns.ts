/** Behaviours of turns: one at a time, all or nothing, chains that come back. */
import { expect } from 'vitest';
import { isTroupeError } from '../../../runtime/core/errors.ts';
import { codeOf, errorOf } from '../stage.ts';
import type { Probe, Spiral } from './actors.ts';
import { DAPR, LOCK, type Behaviour } from './behaviour.ts';
import { waitFor, type BehaviourStage } from './stage.ts';

export const TURNS: readonly Behaviour[] = [
  {
    topic: 'turns',
    says: 'an actor takes one call at a time',
    async shows({ ref, services, id }) {
      const probe = ref<Probe>('Probe', id);
      await Promise.all(Array.from({ length: 20 }, () => probe.addSlowly()));
      expect(await probe.add(0)).toBe(20);
      expect(services.running.get(id)).toEqual({ now: 0, most: 1 });
    },
  },
  {
    topic: 'turns',
    says: 'turns of different actors run beside each other',
    async shows({ ref, services, id }) {
      const held = ref<Probe>('Probe', id).hold(`${id} gate`);
      await waitFor(() => services.held(`${id} gate`) === 1, 'the first actor is held');
      expect(await ref<Probe>('Probe', `${id}-other`).add(1)).toBe(1);
      services.open(`${id} gate`);
      await held;
    },
  },
  {
    topic: 'turns',
    says: 'calls are taken in the order in which they were made',
    limit: {
      on: ['sidecar-http', 'sidecar-grpc', ...DAPR],
      says: 'in the order in which they arrive: calls made at once travel as requests of their own',
      source: 'HTTP/1.1 has one request a connection, gRPC servers run the streams of one at once',
      async shows({ ref, id }) {
        const probe = ref<Probe>('Probe', id);
        for (const expected of [1, 2, 3]) expect(await probe.add(1)).toBe(expected);
      },
    },
    async shows({ ref, services, id }) {
      const probe = ref<Probe>('Probe', id);
      const texts = Array.from({ length: 10 }, (_, n) => `${id} ${n}`);
      await Promise.all(texts.map((text) => probe.note(text)));
      expect(services.log.filter((line) => texts.includes(line))).toEqual(texts);
    },
  },
  {
    topic: 'state after a throw',
    says: 'an application error leaves state, reminders, timers and sends as they were',
    async shows({ ref, services, id }) {
      const probe = ref<Probe>('Probe', id);
      await probe.setBoth(1);
      expect(await codeOf(probe.setBothAndThrow('application'))).toBe('SOLD_OUT');
      expect(await probe.look()).toEqual({ count: 1, other: 1 });
      expect(await probe.reminder('never')).toBeUndefined();
      expect(await ref<Probe>('Probe', `${id}-sent`).add(0)).toBe(0);
      expect(services.log).not.toContain(`${id} timer`);
    },
  },
  {
    topic: 'state after a throw',
    says: 'so does a throw by mistake, and its text stays with the host',
    async shows({ ref, id }) {
      const probe = ref<Probe>('Probe', id);
      await probe.setBoth(1);
      const error = await errorOf(probe.setBothAndThrow('bug'));
      expect(error.code).toBe('INTERNAL');
      expect(error.message).not.toContain('hunter2');
      expect(await probe.look()).toEqual({ count: 1, other: 1 });
    },
  },
  {
    topic: 'reentrancy',
    says: 'a chain that comes back to a reentrant actor runs inside its turn',
    async shows({ ref, id }) {
      expect(await ref<Spiral>('Spiral', id).down(3)).toBe(3);
      expect(await ref<Spiral>('Spiral', id).roundTrip(`${id}-other`)).toBe(11);
    },
  },
  {
    topic: 'reentrancy',
    says: 'what an inner turn changed is undone when it throws, and the outer turn goes on',
    async shows({ ref, id }) {
      expect(await ref<Spiral>('Spiral', id).failInside()).toBe(5);
    },
  },
  {
    topic: 'reentrancy',
    says: 'a chain deeper than allowed ends with STACK_DEPTH',
    async shows({ ref, id }) {
      expect(await codeOf(ref<Spiral>('Spiral', id).down(4))).toBe('STACK_DEPTH');
      expect(await ref<Spiral>('Spiral', id).down(1), 'and changed nothing').toBe(1);
    },
  },
  {
    topic: 'deadlock named',
    says: 'a chain that comes back to an actor that is not reentrant fails at once, and names itself',
    async shows({ ref, id }) {
      expect(await codeOf(ref<Probe>('Probe', id).callSelf())).toBe('DEADLOCK');
      const error = await errorOf(ref<Probe>('Probe', id).callVia(`${id}-b`));
      expect(error.code).toBe('DEADLOCK');
      expect(error.message).toContain(`Probe/${id} -> Probe/${id}-b -> Probe/${id}`);
    },
  },
  {
    topic: 'deadlock named',
    says: 'of two chains that wait for each other one ends with DEADLOCK',
    limit: {
      on: DAPR,
      says: 'both wait in the sidecar, whose locks the process does not see, until a deadline ends one',
      source: LOCK,
      async shows(stage) {
        const codes = await crossing(stage, 5000);
        expect(codes).toContain('TIMEOUT');
        expect(codes).not.toContain('DEADLOCK');
      },
    },
    async shows(stage) {
      expect((await crossing(stage, 30_000)).toSorted()).toEqual(['DEADLOCK', 'none']);
    },
  },
  {
    topic: 'read-only methods',
    says: 'they see what is committed, and a write in one is refused',
    async shows({ ref, id }) {
      const probe = ref<Probe>('Probe', id);
      await probe.setBoth(7);
      expect(await probe.look()).toEqual({ count: 7, other: 7 });
      expect(await codeOf(probe.lookAndWrite())).toBe('READ_ONLY');
      expect(await probe.look()).toEqual({ count: 7, other: 7 });
    },
  },
  {
    topic: 'read-only methods',
    says: 'they run beside each other',
    limit: {
      on: DAPR,
      says: 'one at a time, as all methods: the lock of the sidecar knows no read-only ones',
      source: LOCK,
      async shows({ ref, services, id }) {
        const probe = ref<Probe>('Probe', id);
        const both = Promise.all([1, 2].map(() => probe.lookHeld(`${id} gate`)));
        await waitFor(() => services.held(`${id} gate`) === 1, 'one reader is in');
        // A call of another actor goes all the way meanwhile, so the second reader would have.
        await ref<Probe>('Probe', `${id}-other`).look();
        expect(services.held(`${id} gate`)).toBe(1);
        services.open(`${id} gate`);
        await both;
      },
    },
    async shows({ ref, services, id }) {
      const probe = ref<Probe>('Probe', id);
      await probe.add(1);
      const both = Promise.all([1, 2].map(() => probe.lookHeld(`${id} gate`)));
      await waitFor(() => services.held(`${id} gate`) === 2, 'both readers are in');
      services.open(`${id} gate`);
      await both;
    },
  },
];

/** Two actors that call each other while both are busy; how the two calls ended. */
async function crossing({ ref, services, id }: BehaviourStage, timeout: number): Promise<string[]> {
  const [a, b] = [`${id}-a`, `${id}-b`];
  const gate = `${id} gate`;
  const calls = [
    ref<Probe>('Probe', a).cross({ to: b, gate }, { timeout }),
    ref<Probe>('Probe', b).cross({ to: a, gate }, { timeout }),
  ];
  const outcomes = Promise.allSettled(calls);
  await waitFor(() => services.held(gate) === 2, 'both are busy');
  services.open(gate);
  return (await outcomes).map((outcome) => {
    if (outcome.status === 'fulfilled') return 'none';
    const reason: unknown = outcome.reason;
    return isTroupeError(reason) ? reason.code : String(reason);
  });
}
