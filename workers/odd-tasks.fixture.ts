/** Tasks that misbehave, for the tests of the pool. */
import { setTimeout } from 'node:timers/promises';
import { threadId } from 'node:worker_threads';
import type { ThreadContext } from './protocol.ts';

export interface OddTasks {
  /** Answers with `input` after so many milliseconds. */
  echo: { input: { value: unknown; ms?: number }; output: unknown; progress: never };
  /** Waits until it is told to finish or is cancelled; reports its thread first. */
  wait: { input: unknown; output: 'finished' | 'cancelled'; progress: number };
  thread: { input: undefined; output: { thread: number; warmth: unknown }; progress: never };
  /** Ends its thread. */
  die: { input: 'throw' | 'exit'; output: never; progress: never };
  /** Fills a buffer and moves it back. */
  fill: { input: ArrayBuffer; output: ArrayBuffer; progress: never };
  /** Adds 1 to the first word. */
  increment: { input: SharedArrayBuffer; output: undefined; progress: never };
}

let warmth: unknown;

export async function warm(setup: unknown): Promise<void> {
  if (setup === 'broken') throw new Error('cannot warm');
  await setTimeout(20);
  warmth = setup;
}

export const tasks = {
  async echo({ value, ms }: OddTasks['echo']['input']): Promise<unknown> {
    if (ms !== undefined) await setTimeout(ms);
    return value;
  },
  async wait(_: unknown, context: ThreadContext<number>): Promise<string> {
    context.report(threadId);
    while (!context.finishing()) await setTimeout(1);
    return context.cancelled() ? 'cancelled' : 'finished';
  },
  thread: () => ({ thread: threadId, warmth }),
  async die(how: OddTasks['die']['input']): Promise<void> {
    if (how === 'exit') process.exit(3);
    await new Promise(() => {
      setImmediate(() => {
        throw new Error('out of the blue');
      });
    });
  },
  fill(buffer: ArrayBuffer, context: ThreadContext<never>): ArrayBuffer {
    new Uint8Array(buffer).fill(7);
    context.transfer(buffer);
    return buffer;
  },
  increment(memory: SharedArrayBuffer): void {
    Atomics.add(new Int32Array(memory), 0, 1);
  },
};
