/** Puts the engine's pieces together over the ports. One engine a host. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { HostedType, type ActorTarget } from './actor-type.ts';
import { Deadlines } from './deadlines.ts';
import type { EngineCounters, EngineParts } from './engine-parts.ts';
import { TroupeError, type ActorAddress } from './errors.ts';
import type { Interceptor } from './interceptors.ts';
import { OutboxDispatcher } from './outbox.ts';
import type {
  ActorRuntime,
  ActorStore,
  Clock,
  EngineLogger,
  EntryOperation,
  Peer,
  Placement,
  Publisher,
  Random,
} from './ports.ts';
import { planReminder, ReminderScheduler } from './reminders.ts';
import { Router } from './router.ts';
import { planTimer } from './timers.ts';
import type { Turn } from './turn.ts';

export interface EngineOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly store: ActorStore;
  readonly placement: Placement;
  readonly logger: EngineLogger;
  /** Read when an outbox publishes; undefined while no pub/sub component is there. */
  readonly publisher: () => Publisher | undefined;
  readonly targets: (engine: Engine) => readonly ActorTarget[];
  readonly interceptors: readonly Interceptor[];
  readonly defaultTimeoutMs: number;
  readonly peer?: Peer;
  /** False only to show in a test what repetitions do without it. */
  readonly dedupe?: boolean;
}

export interface EngineStats {
  readonly turns: number;
  readonly durableTurns: number;
  /** Outbox rows committed and not yet fully delivered. */
  readonly pendingOutbox: number;
  /** Outbox messages that receivers refused for good. */
  readonly parkedMessages: number;
  readonly duplicates: number;
  readonly remindersFired: number;
  readonly reminderFailures: number;
  readonly activeActors: number;
}

export class Engine implements ActorRuntime {
  readonly parts: EngineParts;
  readonly router: Router;
  readonly #types = new Map<string, HostedType>();
  readonly #outbox: OutboxDispatcher;
  readonly #reminders: ReminderScheduler;
  readonly #publisher: () => Publisher | undefined;
  readonly #work = new Set<Promise<unknown>>();

  constructor(options: EngineOptions) {
    const { clock, store, logger, placement, publisher } = options;
    const counters: EngineCounters = {
      turns: 0,
      durableTurns: 0,
      duplicates: 0,
      remindersFired: 0,
      reminderFailures: 0,
      openTurns: 0,
      sleeping: 0,
      activity: 0,
    };
    const scope = new AsyncLocalStorage<Turn>();
    // What the engine sends on its own behalf must not look like a call of the turn that caused it.
    const detached = <T>(work: () => T): T => scope.exit(work);
    const owned = async (actor: ActorAddress): Promise<boolean> =>
      this.#types.has(actor.type) && ownsNow(placement, actor);
    this.#publisher = publisher;
    this.#outbox = new OutboxDispatcher({
      store,
      clock,
      logger,
      publisher,
      random: () => options.random.id(),
      call: (call) => detached(() => this.router.call(call)),
    });
    this.#reminders = new ReminderScheduler({
      store,
      clock,
      logger,
      owned,
      call: (call) => detached(() => this.router.call(call)),
    });
    this.parts = {
      clock,
      random: options.random,
      store,
      placement,
      logger,
      interceptors: options.interceptors,
      scope,
      counters,
      dedupe: options.dedupe ?? true,
      dispatch: (row) => detached(() => this.#outbox.dispatch(row)),
      forget: (sender) => this.#outbox.forget(sender),
      outboxFull: () => this.#outbox.full,
      remindAt: (due) => detached(() => this.#reminders.remindAt(due)),
      fenced: (actor) => {
        placement.fenced(actor);
        logger.error({ actor }, 'a newer host has taken over in the same store');
      },
      enter: (call) => detached(() => this.router.call(call)),
      track: (work) => this.#track(work),
    };
    this.router = new Router({
      parts: this.parts,
      types: this.#types,
      deadlines: new Deadlines(clock),
      defaultTimeoutMs: options.defaultTimeoutMs,
      peer: options.peer,
    });
    for (const target of options.targets(this)) {
      if (this.#types.has(target.type))
        throw new TroupeError(
          'INVALID_ARGUMENT',
          `two actor classes have the type "${target.type}"`,
        );
      this.#types.set(target.type, new HostedType(target, this.parts));
    }
  }

  /** Takes up undelivered outbox rows and due reminders. Call it once, before calls are let in. */
  async start(): Promise<void> {
    await this.#outbox.recover((actor) => ownsNow(this.parts.placement, actor));
    await this.#reminders.start();
  }

  call(...[outgoing]: Parameters<ActorRuntime['call']>): ReturnType<ActorRuntime['call']> {
    return this.router.call(outgoing);
  }

  isActive({ type, id }: ActorAddress): boolean {
    return this.#types.get(type)?.find(id)?.activated ?? false;
  }

  getState(
    { type, id }: ActorAddress,
    name: string,
  ): Promise<{ json: string; expiresAt?: number } | undefined> {
    return this.router.system(type, id, 'getState', async ({ activation }) => {
      const cell = activation.anyCell(name);
      await cell.ensureLoaded();
      const json = cell.committed();
      if (json === undefined) return undefined;
      return { json, ...(cell.expiresAt === undefined ? {} : { expiresAt: cell.expiresAt }) };
    });
  }

  changeState({ type, id }: ActorAddress, operations: readonly EntryOperation[]): Promise<void> {
    return this.router.system(type, id, 'changeState', async ({ activation }) => {
      for (const operation of operations) {
        assertEntryName(operation.name);
        const cell = activation.anyCell(operation.name);
        if (operation.kind === 'delete') cell.delete();
        else
          cell.set(
            JSON.parse(operation.json),
            operation.ttlSeconds === undefined ? undefined : operation.ttlSeconds * 1000,
          );
      }
    });
  }

  setTimer(
    { type, id }: ActorAddress,
    name: string,
    spec: Parameters<ActorRuntime['setTimer']>[2],
  ): Promise<void> {
    return this.router.system(type, id, 'setTimer', async (turn) => {
      planTimer(name, spec, this.parts.clock.now());
      turn.mutable().timers.set(name, spec);
    });
  }

  deleteTimer({ type, id }: ActorAddress, name: string): Promise<void> {
    return this.router.system(type, id, 'deleteTimer', async (turn) => {
      turn.mutable().timers.set(name, null);
    });
  }

  setReminder(
    { type, id }: ActorAddress,
    name: string,
    spec: Parameters<ActorRuntime['setReminder']>[2],
  ): Promise<void> {
    return this.router.system(type, id, 'setReminder', (turn) => planReminderIn(turn, name, spec));
  }

  getReminder({ type, id }: ActorAddress, name: string): ReturnType<ActorRuntime['getReminder']> {
    return this.router.system(type, id, 'getReminder', ({ activation }) =>
      activation.readReminder(name),
    );
  }

  deleteReminder({ type, id }: ActorAddress, name: string): Promise<void> {
    return this.router.system(type, id, 'deleteReminder', async (turn) => {
      turn.mutable().reminders.set(name, null);
    });
  }

  types(): { type: string; count: number }[] {
    return [...this.#types.values()].map((hosted) => ({
      type: hosted.target.type,
      count: hosted.count,
    }));
  }

  list(type: string, page: { after?: string; limit?: number } = {}): Promise<string[]> {
    return this.parts.store.list(type, { after: page.after, limit: page.limit ?? 1000 });
  }

  stats(): EngineStats {
    const { turns, durableTurns, duplicates, remindersFired, reminderFailures } =
      this.parts.counters;
    return {
      turns,
      durableTurns,
      pendingOutbox: this.#outbox.pending,
      parkedMessages: this.#outbox.parked,
      duplicates,
      remindersFired,
      reminderFailures,
      activeActors: this.types().reduce((sum, { count }) => sum + count, 0),
    };
  }

  /** Errors: NOT_FOUND when there is no pub/sub component of the name. */
  assertPubSub(name: string): void {
    if (!this.#publisher()?.knows(name))
      throw new TroupeError(
        'NOT_FOUND',
        `there is no pub/sub component "${name}"; add one of that name`,
      );
  }

  /** Resolves when the outbox has nothing left to deliver. */
  outboxIdle(): Promise<void> {
    return this.#outbox.idle();
  }

  /** True while something runs that needs no passing of time to go on. */
  get busy(): boolean {
    const { openTurns, sleeping } = this.parts.counters;
    return openTurns > sleeping || this.#outbox.busy || this.#reminders.busy || this.#work.size > 0;
  }

  /** Drops an idle activation now, as idle time would. Errors: CONFLICT when it is busy. */
  async passivate({ type, id }: ActorAddress): Promise<void> {
    const activation = this.#types.get(type)?.find(id);
    if (activation?.mailbox.busy)
      throw new TroupeError('CONFLICT', `${type}/${id} is busy and cannot be passivated now`);
    await activation?.passivate();
  }

  /** Refuses new calls, lets turns end for at most `graceMs`, runs `onDeactivate` hooks, stops timers and sending. */
  async close(graceMs: number): Promise<void> {
    this.router.close();
    await this.#reminders.close();
    const stopped = this.#outbox.close();
    const { clock, logger } = this.parts;
    let timer: { cancel(): void } | undefined;
    const limit = new Promise<'late'>((resolve) => {
      timer = clock.timer(clock.now() + graceMs, () => resolve('late'));
    });
    const outcome = await Promise.race([this.#passivateAll(), limit]);
    timer?.cancel();
    if (outcome === 'late')
      logger.warn({ graceMs }, 'turns were still running when the host stopped');
    await stopped;
    this.#endActivations();
  }

  /** Ends everything at once, as a crash would: timers stop, nothing is sent or deactivated. */
  abandon(): void {
    this.router.close();
    void this.#reminders.close();
    void this.#outbox.close();
    this.#endActivations();
  }

  #endActivations(): void {
    for (const hosted of this.#types.values()) {
      hosted.close();
      for (const activation of hosted.activations()) activation.forgetEverything();
    }
  }

  async #passivateAll(): Promise<void> {
    const all = [...this.#types.values()].flatMap((hosted) => [...hosted.activations()]);
    await Promise.all(all.map((activation) => activation.passivateWhenIdle()));
    await Promise.all(this.#work);
  }

  #track(work: Promise<unknown>): void {
    const tracked = work
      .catch((error: unknown) => this.parts.logger.error({ err: error }, 'deactivation failed'))
      .finally(() => this.#work.delete(tracked));
    this.#work.add(tracked);
  }
}

/** Names that the engine keeps its own rows under are not for entries. */
export function assertEntryName(name: string): void {
  if (name === '' || name.startsWith('$') || name.includes('||')) {
    throw new TroupeError(
      'INVALID_ARGUMENT',
      `state name "${name}" must not be empty, begin with "$" or contain "||"`,
    );
  }
}

/** Plans a reminder in the changes of a turn. Errors: INVALID_ARGUMENT; CONFLICT with overwrite false. */
export async function planReminderIn(
  turn: Turn,
  name: string,
  spec: Parameters<ActorRuntime['setReminder']>[2],
): Promise<void> {
  assertEntryName(name);
  const { activation } = turn;
  const record = planReminder(name, spec, activation.now());
  if (spec.overwrite === false) {
    const planned = turn.changes?.reminders.get(name);
    const existing = planned === undefined ? await activation.readReminder(name) : planned;
    if (existing)
      throw new TroupeError(
        'CONFLICT',
        `reminder "${name}" of ${activation.type}/${activation.id} exists already`,
        { actor: activation.address },
      );
  }
  turn.mutable().reminders.set(name, record);
}

/** False also when this host was fenced: then it owns nothing. */
async function ownsNow(placement: Placement, { type, id }: ActorAddress): Promise<boolean> {
  try {
    return (await placement.owner(type, id)).kind === 'here';
  } catch {
    return false;
  }
}
