/** The context object of an actor that lives in this process, over its activation. */
import type {
  ActorContext,
  Duration,
  Logger,
  OffloadOptions,
  Outbox,
  Reminders,
  TimerOptions,
  Timers,
} from '../actor/context.ts';
import type { ActorRef, CallOptions, OutboxRef } from '../actor/ref.ts';
import type { StateEntry, StateOptions } from '../actor/state.ts';
import type { Activation } from '../core/activation.ts';
import { callerOf } from '../core/call.ts';
import { toJson } from '../core/codec.ts';
import { assertEntryName, planReminderIn } from '../core/actor-operations.ts';
import type { Engine } from '../core/engine.ts';
import { TroupeError, type ActorAddress } from '../core/errors.ts';
import type { OutboxMessage } from '../core/outbox-row.ts';
import { traceHeadersOf } from '../core/tracing.ts';
import { assertName, createRef } from '../core/ref.ts';
import { parseDuration } from '../core/schedule.ts';
import { planTimer } from '../core/timers.ts';
import type { Turn } from '../core/turn.ts';
import { sendThrough } from './calls.ts';

export class InProcessContext implements ActorContext {
  readonly #activation: Activation;
  readonly #engine: Engine;
  readonly services: unknown;

  constructor(activation: Activation, engine: Engine, services: unknown) {
    this.#activation = activation;
    this.#engine = engine;
    this.services = services;
  }

  get type(): string {
    return this.#activation.type;
  }

  get id(): string {
    return this.#activation.id;
  }

  get logger(): Logger {
    const { logger } = this.#activation.parts;
    const actor = this.#activation.address;
    return {
      debug: (fields, message) => logger.debug({ actor, ...fields }, message),
      info: (fields, message) => logger.info({ actor, ...fields }, message),
      warn: (fields, message) => logger.warn({ actor, ...fields }, message),
      error: (fields, message) => logger.error({ actor, ...fields }, message),
    };
  }

  get epoch(): number | undefined {
    return this.#activation.state.epoch;
  }

  get caller(): ActorAddress | undefined {
    return callerOf(this.#turn('the caller was read').call);
  }

  get deadline(): number {
    return this.#turn('the deadline was read').call.deadline;
  }

  get signal(): AbortSignal {
    return this.#turn('the signal was read').signal;
  }

  now(): number {
    return this.#activation.now();
  }

  sleep(duration: Duration): Promise<void> {
    const { signal } = this.#turn('sleep was called');
    const { clock, counters } = this.#activation.parts;
    return new Promise((resolve, reject) => {
      if (signal.aborted) {
        reject(signal.reason as Error);
        return;
      }
      const wake = (outcome: () => void): void => {
        counters.sleeping--;
        counters.activity++;
        signal.removeEventListener('abort', abort);
        outcome();
      };
      const timer = clock.timer(clock.now() + parseDuration(duration), () => wake(resolve));
      const abort = (): void => {
        timer.cancel();
        wake(() => reject(signal.reason as Error));
      };
      signal.addEventListener('abort', abort);
      counters.sleeping++;
    });
  }

  async offload<Output>(
    task: string,
    input: unknown,
    { priority }: OffloadOptions = {},
  ): Promise<Output> {
    const { signal, call } = this.#turn(`the task "${task}" was offloaded`);
    const { tasks, clock, counters } = this.#activation.parts;
    if (!tasks) {
      const text = `the task "${task}" was offloaded, but the system runs none; give it \`tasks\``;
      throw new TroupeError('UNSUPPORTED', text);
    }
    signal.throwIfAborted();
    counters.offloaded++;
    try {
      const timeoutMs = call.deadline - clock.now();
      return (await tasks.run(task, input, { signal, timeoutMs, priority })) as Output;
    } catch (error) {
      // The turn's own reason says more: the deadline passed, or the caller gave up.
      signal.throwIfAborted();
      throw error;
    } finally {
      counters.offloaded--;
      counters.activity++;
    }
  }

  state<T>(name: string, options: StateOptions<T>): StateEntry<T> {
    assertEntryName(name);
    const ttlMs =
      options.ttl === undefined ? undefined : parseDuration(options.ttl, `ttl of state "${name}"`);
    return this.#activation.state.cell(name, options.initial, ttlMs);
  }

  ref<T extends object>(type: string, id: string): ActorRef<T> {
    return createRef<ActorRef<T>>((method, argument, options) =>
      sendThrough(
        this.#engine.router,
        type,
        id,
        method,
        argument,
        options as CallOptions | undefined,
      ),
    );
  }

  get outbox(): Outbox {
    const push = (given: OutboxMessage): void => {
      const turn = this.#turn('the outbox was used');
      turn.assertWritable('sending through the outbox');
      if (this.#activation.parts.outboxFull()) {
        throw new TroupeError(
          'OVERLOADED',
          'the outbox holds as many undelivered rows as it may; try again later',
        );
      }
      const trace = traceHeadersOf(turn.call.headers);
      turn.mutable().messages.push(trace ? { ...given, trace } : given);
    };
    return {
      ref: <T extends object>(type: string, id: string): OutboxRef<T> => {
        assertName('actor type', type);
        assertName('actor id', id);
        return createRef<OutboxRef<T>>((method, argument) =>
          push({ kind: 'call', type, id, method, json: toJson(argument) }),
        );
      },
      publish: (topic, data, { pubsub = 'pubsub', metadata } = {}) => {
        this.#engine.assertPubSub(pubsub);
        push({ kind: 'event', pubsub, topic, json: toJson(data), metadata });
      },
    };
  }

  get timers(): Timers {
    return {
      set: (name: string, options: TimerOptions) => {
        const turn = this.#turn(`timer "${name}" was set`);
        turn.assertWritable(`setting timer "${name}"`);
        planTimer(name, options, this.now());
        if (
          options.method !== undefined &&
          !this.#activation.host.target.hasMethod(options.method)
        ) {
          throw new TroupeError(
            'METHOD_NOT_FOUND',
            `timer "${name}" is to call "${options.method}", which ${this.type} does not have`,
          );
        }
        turn.mutable().timers.set(name, options);
      },
      delete: (name) => {
        const turn = this.#turn(`timer "${name}" was deleted`);
        turn.assertWritable(`deleting timer "${name}"`);
        turn.mutable().timers.set(name, null);
      },
    };
  }

  get reminders(): Reminders {
    return {
      set: async (name, options) => {
        const turn = this.#turn(`reminder "${name}" was set`);
        turn.assertWritable(`setting reminder "${name}"`);
        await planReminderIn(turn, name, options);
      },
      get: async (name) => {
        const planned = this.#turn(`reminder "${name}" was read`).changes?.reminders.get(name);
        return planned === undefined
          ? this.#activation.state.readReminder(name)
          : (planned ?? undefined);
      },
      delete: async (name) => {
        const turn = this.#turn(`reminder "${name}" was deleted`);
        turn.assertWritable(`deleting reminder "${name}"`);
        turn.mutable().reminders.set(name, null);
      },
    };
  }

  delete(): void {
    const turn = this.#turn('the actor was deleted');
    turn.assertWritable('deleting the actor');
    turn.mutable().deleted = true;
  }

  #turn(what: string): Turn {
    return this.#activation.currentTurn(what);
  }
}
