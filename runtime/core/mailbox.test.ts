import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Call } from './call.ts';
import { LocalValue } from './codec.ts';
import { TroupeError } from './errors.ts';
import { Mailbox } from './mailbox.ts';
import type { Turn } from './turn.ts';

/** A mailbox driven as an activation drives it, beside the plainest model of what it should do. */
class Subject {
  readonly mailbox = new Mailbox();
  readonly running = new Map<Call, Turn>();
  /** Calls that wait, in the order in which they came. */
  queue: Call[] = [];
  readonly started: Call[] = [];

  arrive(shared: boolean): void {
    const call = new Call(
      'T',
      'i',
      'm',
      'method',
      new LocalValue(1),
      0,
      undefined,
      () => {},
      () => {},
    );
    call.shared = shared;
    const mayStart = this.queue.length === 0 && this.#fits(call);
    expect(this.mailbox.admits(shared)).toBe(mayStart);
    if (mayStart) this.#start(call);
    else {
      this.mailbox.push(call);
      this.queue.push(call);
    }
  }

  giveUp(at: number): void {
    const call = this.queue[at % Math.max(1, this.queue.length)];
    if (!call) return;
    call.reject(new TroupeError('CANCELLED', 'gone'));
    this.mailbox.withdraw();
    this.queue = this.queue.filter((waiting) => waiting !== call);
    this.#startWaiting();
  }

  end(at: number): void {
    const entry = [...this.running][at % Math.max(1, this.running.size)];
    if (!entry) return;
    const [call, turn] = entry;
    this.running.delete(call);
    this.mailbox.leave(turn);
    this.#startWaiting();
  }

  check(): void {
    expect(this.mailbox.waiting).toBe(this.queue.length);
    expect(this.mailbox.busy).toBe(this.running.size + this.queue.length > 0);
    const running = [...this.running.keys()];
    expect(running.length === 1 || running.every(({ shared }) => shared)).toBe(true);
    expect(new Set(this.mailbox.running())).toEqual(new Set(this.running.values()));
    // Nothing waits that could run.
    const [head] = this.queue;
    if (head) expect(this.#fits(head)).toBe(false);
  }

  #fits(call: Call): boolean {
    const running = [...this.running.keys()];
    return running.length === 0 || (call.shared && running.every(({ shared }) => shared));
  }

  #start(call: Call): void {
    const turn = { call } as unknown as Turn;
    this.running.set(call, turn);
    this.started.push(call);
    this.mailbox.enter(turn, call.shared);
  }

  #startWaiting(): void {
    for (let next = this.mailbox.take(true); next; next = this.mailbox.take(true)) {
      expect(next).toBe(this.queue.shift());
      this.#start(next);
    }
  }
}

const step = fc.oneof(
  fc.record({ do: fc.constant('arrive' as const), shared: fc.boolean() }),
  fc.record({ do: fc.constant('end' as const), at: fc.nat(9) }),
  fc.record({ do: fc.constant('giveUp' as const), at: fc.nat(9) }),
);

it('keeps order and exclusion, and starts what may start, whatever comes, ends or is given up', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const subject = new Subject();
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
  const subject = new Subject();
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
