/** Puts the engine's pieces together over the ports. One engine a host. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { createActorOperations } from './actor-operations.ts';
import { HostedType, type ActorTarget } from './actor-type.ts';
import { Deadlines } from './deadlines.ts';
import type { EngineOptions, EngineStats } from './engine-options.ts';
import type { EngineCounters, EngineParts } from './engine-parts.ts';
import { createEngineTelemetry, gaugeActors } from './engine-telemetry.ts';
import { TroupeError, type ActorAddress } from './errors.ts';
import { dismiss, evict } from './eviction.ts';
import { OutboxDispatcher } from './outbox.ts';
import type { ActorRuntime, Placement, Publisher } from './ports.ts';
import { countedPublisher } from './publishing.ts';
import { ReminderScheduler } from './reminders.ts';
import { Router } from './router.ts';
import { servedReminders } from './services.ts';
import type { Telemetry } from './telemetry.ts';
import type { Turn } from './turn.ts';

/** Ids in a page of `list`, unless another number is asked for. */
const LIST_PAGE = 1000;

export class Engine {
  /** The actors of this host, as the API rooms see them. */
  readonly actors: ActorRuntime;
  readonly parts: EngineParts;
  readonly router: Router;
  readonly #types = new Map<string, HostedType>();
  readonly #outbox: OutboxDispatcher;
  readonly #reminders: ReminderScheduler;
  readonly #publisher: () => Publisher | undefined;
  readonly #typesChanged: ((types: readonly string[]) => void) | undefined;
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
      offloaded: 0,
      publishing: 0,
      activity: 0,
    };
    const scope = new AsyncLocalStorage<Turn>();
    const told = createEngineTelemetry(options.telemetry);
    // What the engine sends on its own behalf must not look like a call of the turn that caused it.
    const detached = <T>(work: () => T): T => scope.exit(work);
    const owned = async (actor: ActorAddress): Promise<boolean> =>
      this.#types.has(actor.type) && ownsNow(placement, actor);
    this.#publisher = publisher;
    this.#typesChanged = options.typesChanged;
    this.#outbox = new OutboxDispatcher({
      store,
      clock,
      logger,
      publisher: () => countedPublisher(publisher(), counters),
      random: () => options.random.id(),
      owned: (actor) => ownsNow(placement, actor),
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
      tasks: options.tasks,
      reminders: options.reminders,
      timers: options.timers,
      scope,
      counters,
      told,
      dedupe: options.dedupe ?? true,
      dispatch: (row, isCertain) => detached(() => this.#outbox.dispatch(row, isCertain)),
      forget: (sender) => this.#outbox.forget(sender),
      recheckOutbox: () => detached(() => this.#outbox.recheck()),
      outboxFull: () => this.#outbox.full,
      remindAt: (due) => {
        if (!options.reminders) detached(() => this.#reminders.remindAt(due));
      },
      relocate: (call) => detached(() => this.router.relocate(call)),
      fenced: (actor) => {
        placement.fenced(actor);
        logger.error({ actor }, 'a newer host has taken over in the same store');
      },
      enter: (call) =>
        told.timerFired(
          call.type,
          detached(() => this.router.call(call)),
        ),
      track: (work) => this.#track(work),
    };
    this.router = new Router({
      parts: this.parts,
      types: this.#types,
      deadlines: new Deadlines(clock),
      defaultTimeoutMs: options.defaultTimeoutMs,
      peer: options.peer,
    });
    this.actors = {
      call: (call) => this.router.call(call),
      types: () =>
        [...this.#types.values()].map(({ target, count }) => ({ type: target.type, count })),
      list: (type, { after, limit = LIST_PAGE } = {}) => store.list(type, { after, limit }),
      ...createActorOperations({
        router: this.router,
        store,
        find: ({ type, id }) => this.#types.get(type)?.find(id),
      }),
      ...(options.reminders ? servedReminders(options.reminders) : {}),
    };
    for (const target of options.targets(this)) this.#add(target);
  }

  /** Hosts one more type from now on; its due reminders are taken up. Errors: INVALID_ARGUMENT for a type that is hosted already. */
  host(target: ActorTarget): void {
    this.#add(target);
    this.parts.remindAt(this.parts.clock.now());
    this.#typesChanged?.([...this.#types.keys()]);
  }

  /** Ends a type: calls are refused from now on, its actors end their turns and are deactivated. */
  async unhost(type: string): Promise<void> {
    const hosted = this.#types.get(type);
    if (!hosted) return;
    this.#types.delete(type);
    hosted.close();
    await Promise.all(
      [...hosted.activations()].map((activation) => activation.passivateWhenIdle()),
    );
    for (const activation of hosted.activations()) activation.end();
    this.#typesChanged?.([...this.#types.keys()]);
  }

  /** Ends the actors that `isHere` denies, which other hosts have from now on. Resolves when nothing of them runs here. */
  async halt(isHere: (actor: ActorAddress) => boolean): Promise<void> {
    const all = [...this.#types.values()].flatMap((hosted) => [...hosted.activations()]);
    await Promise.all(
      all.filter(({ address }) => !isHere(address)).map((activation) => evict(activation)),
    );
  }

  #add(target: ActorTarget): void {
    if (this.#types.has(target.type))
      throw new TroupeError('INVALID_ARGUMENT', `two actor classes have the type "${target.type}"`);
    this.#types.set(target.type, new HostedType(target, this.parts));
  }

  /** Takes up undelivered outbox rows and due reminders. Call it once, before calls are let in. */
  async start(): Promise<void> {
    await this.#outbox.recover();
    if (!this.parts.reminders) await this.#reminders.start();
  }

  /** This host may own actors of others from now on: takes up what they left undelivered. */
  async takeUp(): Promise<void> {
    await this.parts.recheckOutbox();
    this.parts.remindAt(this.parts.clock.now());
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
      activeActors: this.actors.types().reduce((sum, { count }) => sum + count, 0),
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

  /** Sets the gauges of actors; for a collector that is about to be read. */
  gauge(telemetry: Telemetry): void {
    gaugeActors(telemetry, this.#types.values());
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

  /** Drops an idle activation now, as idle time would. Errors: NOT_FOUND for an unknown type, CONFLICT when it is busy. */
  async passivate({ type, id }: ActorAddress): Promise<void> {
    const hosted = this.#types.get(type);
    if (!hosted) throw new TroupeError('NOT_FOUND', `there is no actor type "${type}" here`);
    const activation = hosted.find(id);
    if (activation?.mailbox.busy)
      throw new TroupeError('CONFLICT', `${type}/${id} is busy and cannot be passivated now`);
    await activation?.passivate();
  }

  /** Whoever gives out the turns has ended an actor, or all. Resolves when nothing of them can commit here any more. */
  async dismiss(actor?: ActorAddress): Promise<void> {
    const hosted = actor ? [this.#types.get(actor.type)] : [...this.#types.values()];
    const ended = hosted.flatMap((type) =>
      actor ? (type?.find(actor.id) ?? []) : [...(type?.activations() ?? [])],
    );
    await Promise.all(ended.map(dismiss));
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
      for (const activation of hosted.activations()) activation.end();
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

/** False also when this host was fenced: then it owns nothing. */
async function ownsNow(placement: Placement, { type, id }: ActorAddress): Promise<boolean> {
  try {
    return (await placement.owner(type, id)).kind === 'here';
  } catch {
    return false;
  }
}
