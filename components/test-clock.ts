/**
 * What conformance suites give a driver in place of a host: a clock that
 * stands still until it is moved, and a log that can be read.
 */
import type { ComponentMetadata, ComponentOptions } from './component.ts';

export interface TestClock {
  now(): number;
  timer(delayMs: number, fire: () => void): { cancel(): void };
  /** Moves the time; timers that come due meanwhile fire in order, each at its moment. */
  advance(ms: number): void;
  /** Timers that wait. */
  pending(): number;
}

export interface LogEntry {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly fields: object;
  readonly message: string;
}

/** Starts at noon UTC of 2026-03-01. */
export function createTestClock(): TestClock {
  let now = Date.UTC(2026, 2, 1, 12);
  const timers = new Set<{ readonly at: number; readonly fire: () => void }>();
  return {
    now: () => now,
    timer(delayMs, fire) {
      const timer = { at: now + delayMs, fire };
      timers.add(timer);
      return { cancel: () => void timers.delete(timer) };
    },
    advance(ms) {
      const end = now + ms;
      for (;;) {
        const due = [...timers].filter((timer) => timer.at <= end).sort((a, b) => a.at - b.at)[0];
        if (!due) break;
        timers.delete(due);
        now = Math.max(now, due.at);
        due.fire();
      }
      now = end;
    },
    pending: () => timers.size,
  };
}

/** Options for a component of `type`; what it logs is appended to `log`. */
export function testOptions(
  type: string,
  metadata: ComponentMetadata,
  clock: TestClock = createTestClock(),
  log: LogEntry[] = [],
): ComponentOptions {
  const write =
    (level: LogEntry['level']) =>
    (fields: object, message: string): void =>
      void log.push({ level, fields, message });
  return {
    name: 'subject',
    type,
    version: 'v1',
    metadata,
    appId: 'conformance',
    logger: {
      debug: write('debug'),
      info: write('info'),
      warn: write('warn'),
      error: write('error'),
    },
    now: clock.now,
    timer: clock.timer,
  };
}
