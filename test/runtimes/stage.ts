/** What tests hand their actors as `services`: a log to write on, and gates to be held at. */
import { expect } from 'vitest';
import { PATIENCE_MS } from '../patience.ts';
import { isTroupeError, type TroupeError } from '../../runtime/core/errors.ts';

export interface Stage {
  /** What the actors wrote, in order. */
  readonly log: string[];
  /** Waits until the test opens the gate of the name; how many wait is `held`. */
  gate(name: string): Promise<void>;
  open(name: string): void;
  held(name: string): number;
}

export function createStage(): Stage {
  const log: string[] = [];
  const waiting = new Map<string, (() => void)[]>();
  const opened = new Set<string>();
  return {
    log,
    gate(name) {
      if (opened.has(name)) return Promise.resolve();
      return new Promise((resolve) => {
        waiting.set(name, [...(waiting.get(name) ?? []), resolve]);
      });
    },
    open(name) {
      opened.add(name);
      waiting.get(name)?.forEach((resolve) => resolve());
      waiting.delete(name);
    },
    held: (name) => waiting.get(name)?.length ?? 0,
  };
}

/** Lets the event loop go round until the condition holds. */
export async function until(condition: () => boolean, why: string): Promise<void> {
  const end = Date.now() + PATIENCE_MS;
  while (!condition()) {
    if (Date.now() > end) throw new Error(`waited in vain until ${why}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Lets everything that can go on without the clock and the gates go on. */
export async function rounds(count = 20): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve));
}

/** The typed error that a call ends with; the test fails when it ends well or otherwise. */
export async function errorOf(call: Promise<unknown>): Promise<TroupeError> {
  const outcome = await call.then(
    () => 'no error',
    (error: unknown) => error,
  );
  expect(outcome).toSatisfy(isTroupeError, 'a TroupeError');
  return outcome as TroupeError;
}

export async function codeOf(call: Promise<unknown>): Promise<string> {
  return (await errorOf(call)).code;
}
