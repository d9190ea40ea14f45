import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Call } from './call.ts';
import { LocalValue } from './codec.ts';
import { TroupeError } from './errors.ts';
import { Mailbox } from './mailbox.ts';
import type { Turn } from './turn.ts';

/** A mailbox driven as an activation drives it, beside the plainest model of what it should do. */
function createSubject() {
  const mailbox = new Mailbox();
  const running = new Map<Call, Turn>();
  const started: Call[] = [];
  /** Calls that wait, in the order in which they came. */
  const queue: Call[] = [];

  function fits(call: Call): boolean {
    const others = [...running.keys()];
    return others.length === 0 || (call.shared && others.every(({ shared }) => shared));
  }

  function start(call: Call): void {
    const turn = { call } as unknown as Turn;
    running.set(call, turn);
    started.push(call);
    mailbox.enter(turn, call.shared);
  }

  function startWaiting(): void {
    for (let next = mailbox.take(true); next; next = mailbox.take(true)) {
      expect(next).toBe(queue.shift());
      start(next);
    }
  }

  return {
    mailbox,
    queue,
    started,
    arrive(shared: boolean): void {
      const ignore = (): void => {};
      const payload = new LocalValue(1);
      const call = new Call('T', 'i', 'm', 'method', payload, 0, undefined, ignore, ignore);
      call.shared = shared;
      const mayStart = queue.length === 0 && fits(call);
      expect(mailbox.admits(shared)).toBe(mayStart);
      if (mayStart) {
        start(call);
        return;
      }
      mailbox.push(call);
      queue.push(call);
    },
    giveUp(at: number): void {
      const [call] = queue.splice(at % Math.max(1, queue.length), 1);
      if (!call) return;
      call.reject(new TroupeError('CANCELLED', 'gone'));
      mailbox.withdraw();
      startWaiting();
    },
    end(at: number): void {
      const entry = [...running][at % Math.max(1, running.size)];
      if (!entry) return;
      running.delete(entry[0]);
      mailbox.leave(entry[1]);
      startWaiting();
    },
    check(): void {
      expect(mailbox.waiting).toBe(queue.length);
      expect(mailbox.busy).toBe(running.size + queue.length > 0);
      const calls = [...running.keys()];
      expect(calls.length === 1 || calls.every(({ shared }) => shared)).toBe(true);
      expect(new Set(mailbox.running())).toEqual(new Set(running.values()));
      const [head] = queue;
      if (head) expect(fits(head), 'nothing waits that could run').toBe(false);
    },
  };
}

const step = fc.oneof(
  fc.record({ do: fc.constant('arrive' as const), shared: fc.boolean() }),
  fc.record({ do: fc.constant('end' as const), at: fc.nat(9) }),
  fc.record({ do: fc.constant('giveUp' as const), at: fc.nat(9) }),
);

it('keeps order and exclusion, and starts what may start, whatever comes, ends or is given up', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const subject = createSubject();
      for (const { do: what, ...rest } of steps) {
        if (what === 'arrive') subject.arrive((rest as { shared: boolean }).shared);
        else subject[what]((rest as { at: number }).at);
        subject.check();
      }
    }),
    { numRuns: 500 },
  );
});

it('starts a shared call alone while there is no instance to share', () => {
  const subject = createSubject();
  subject.arrive(true);
  subject.arrive(false);
  subject.arrive(true);
  expect(subject.mailbox.take(true)).toBe(undefined);
  subject.giveUp(0);
  expect(subject.started).toHaveLength(2);
  subject.arrive(false);
  subject.arrive(true);
  subject.mailbox.withdraw();
  subject.queue[0]!.reject(new TroupeError('CANCELLED', 'gone'));
  expect(subject.mailbox.take(false), 'readers still run').toBe(undefined);
  expect(subject.mailbox.take(true)?.shared).toBe(true);
});
