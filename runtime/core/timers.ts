/** Timers of one activation: in memory, each firing a turn of its own, ended with the activation. */
import { copyOf } from './codec.ts';
import { TroupeError } from './errors.ts';
import type { Clock, ClockTimer, TimerSpec } from './ports.ts';
import { nextFiring, parsePeriod, parseTime, type Period } from './schedule.ts';

/** What a timer or reminder hook is given. */
export interface Firing {
  readonly name: string;
  readonly data: unknown;
  /** Milliseconds since the epoch at which this firing was due. */
  readonly due: number;
  /** As it was given, for actors behind a wire. Absent for reminders. */
  readonly given?: Pick<TimerSpec, 'due' | 'period' | 'method'>;
}

export interface PlannedTimer {
  readonly due: number;
  readonly period: Period | undefined;
  readonly expires: number | undefined;
  readonly method: string | undefined;
  readonly data: unknown;
  readonly given: Pick<TimerSpec, 'due' | 'period' | 'method'>;
}

/** Checks and resolves a timer's times against `now`. Errors: INVALID_ARGUMENT. */
export function planTimer(name: string, spec: TimerSpec, now: number): PlannedTimer {
  const due = parseTime(spec.due ?? 0, now, `due time of timer "${name}"`);
  const expires =
    spec.ttl === undefined ? undefined : parseTime(spec.ttl, due, `ttl of timer "${name}"`);
  if (expires !== undefined && (expires < due || expires <= now)) {
    throw new TroupeError('INVALID_ARGUMENT', `timer "${name}" has expired before it is due`);
  }
  return {
    due,
    period:
      spec.period === undefined || spec.period === ''
        ? undefined
        : parsePeriod(spec.period, `period of timer "${name}"`),
    expires,
    method: spec.method,
    data: copyOf(spec.data).value,
    given: spec,
  };
}

interface Running {
  readonly timer: PlannedTimer;
  due: number;
  left: number | undefined;
  wake: ClockTimer | undefined;
}

export class Timers {
  readonly #clock: Clock;
  readonly #fire: (firing: Firing, method: string | undefined) => Promise<unknown>;
  readonly #running = new Map<string, Running>();

  constructor(
    clock: Clock,
    fire: (firing: Firing, method: string | undefined) => Promise<unknown>,
  ) {
    this.#clock = clock;
    this.#fire = fire;
  }

  set(name: string, timer: PlannedTimer): void {
    this.delete(name);
    const running: Running = {
      timer,
      due: timer.due,
      left: timer.period?.repeats,
      wake: undefined,
    };
    this.#running.set(name, running);
    this.#arm(name, running);
  }

  delete(name: string): void {
    this.#running.get(name)?.wake?.cancel();
    this.#running.delete(name);
  }

  clear(): void {
    for (const name of [...this.#running.keys()]) this.delete(name);
  }

  #arm(name: string, running: Running): void {
    running.wake = this.#clock.timer(running.due, () => void this.#elapsed(name, running));
  }

  async #elapsed(name: string, running: Running): Promise<void> {
    const { timer } = running;
    if (timer.expires !== undefined && this.#clock.now() > timer.expires) {
      this.delete(name);
      return;
    }
    await this.#fire(
      { name, data: copyOf(timer.data).value, due: running.due, given: timer.given },
      timer.method,
    );
    if (this.#running.get(name) !== running) return;
    if (running.left !== undefined) running.left--;
    const next =
      timer.period && running.left !== 0
        ? nextFiring(running.due, timer.period, this.#clock.now())
        : undefined;
    if (next === undefined || (timer.expires !== undefined && next > timer.expires)) {
      this.#running.delete(name);
      return;
    }
    running.due = next;
    this.#arm(name, running);
  }
}
