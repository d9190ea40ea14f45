/**
 * One actor in memory: its mailbox, its instance, its timers, and what is known
 * of its state. Lets calls in and starts their turns, one at a time.
 */
import { ActivationTimers } from './activation-timers.ts';
import type { ActorInstance, HostedType } from './actor-type.ts';
import { ActorState } from './actor-state.ts';
import { breakWaitCycle, overloaded, refusalToReenter, turnOfChain } from './admission.ts';
import { Call, stoppedError } from './call.ts';
import { LocalValue } from './codec.ts';
import type { EngineParts } from './engine-parts.ts';
import { TroupeError, type ActorAddress } from './errors.ts';
import { Mailbox } from './mailbox.ts';
import { Order } from './order.ts';
import { Turn } from './turn.ts';
import { runTurn } from './turn-run.ts';

/** What calls made by `onDeactivate` may take. */
const HOOK_TIMEOUT_MS = 60_000;

export class Activation {
  readonly host: HostedType;
  readonly id: string;
  readonly parts: EngineParts;
  readonly mailbox = new Mailbox();
  readonly state: ActorState;
  /** Place in the list of idle activations. */
  older: Activation | undefined = undefined;
  newer: Activation | undefined = undefined;
  restedAt = 0;
  /** Grows when memory is thrown away: turns that began before cannot commit. */
  generation = 0;
  #instance: ActorInstance | undefined = undefined;
  /** True once the instance stands and its `onActivate` has run. */
  activated = false;
  /** `onActivate` runs: calls that come back to it find the instance as it stands. */
  activating = false;
  #timers: ActivationTimers | undefined = undefined;
  #whenIdle: (() => void)[] | undefined = undefined;
  #leaving: AbortController | undefined = undefined;
  #besides = 0;
  /** For an actor outside: its transactions run one after another. */
  readonly order = new Order();

  constructor(host: HostedType, id: string, parts: EngineParts) {
    this.host = host;
    this.id = id;
    this.parts = parts;
    this.state = new ActorState(this);
  }

  get type(): string {
    return this.host.target.type;
  }

  get timerCount(): number {
    return this.#timers?.count ?? 0;
  }

  get timers(): ActivationTimers {
    return (this.#timers ??= new ActivationTimers(this));
  }

  get address(): ActorAddress {
    return { type: this.type, id: this.id };
  }

  now(): number {
    return this.parts.clock.now();
  }

  /** A call arrives: it starts now, waits its turn, joins the turn that it came from, or is refused. */
  admit(call: Call): void {
    if (call.kind === 'system' && this.host.target.outside) this.#startBeside(call);
    else this.#enter(call);
  }

  #enter(call: Call): void {
    call.readOnly = call.kind === 'method' && this.host.target.isReadOnly(call.method);
    call.shared = call.readOnly && !call.once;
    const enclosing = turnOfChain(this, call);
    if (enclosing) this.#comeBack(call, enclosing);
    else if (this.mailbox.admits(call.shared && this.activated)) this.#start(call);
    else this.#wait(call);
  }

  /** A waiting call was given up by its caller. */
  withdraw(call: Call): void {
    call.queuedIn = undefined;
    this.mailbox.withdraw();
    // It may have been all that kept the ones behind it from running beside the readers of now.
    if (!this.mailbox.exclusive) queueMicrotask(() => this.#startWaiting());
  }

  /** The turn that the running code belongs to. Throws outside a turn of this actor. */
  currentTurn(what: string): Turn {
    const turn = this.parts.scope.getStore();
    if (turn?.activation === this && !turn.closed) return turn;
    throw new TroupeError(
      'INVALID_ARGUMENT',
      turn?.activation === this
        ? `${what} after the turn of ${turn.describe()} had ended; await everything before returning`
        : `${what} outside a turn of ${this.type}/${this.id}; use it in its methods and hooks`,
    );
  }

  instance(): ActorInstance {
    this.#instance ??= this.host.target.activate(this);
    return this.#instance;
  }

  /** Drops instance and timers; committed state stays known. */
  dropInstance(): void {
    this.#instance = undefined;
    this.activated = false;
    this.#timers?.clear();
    this.#timers = undefined;
  }

  forgetEverything(): void {
    this.generation++;
    if (!this.host.target.outside) this.dropInstance();
    this.state.forget();
  }

  /** The host has stopped: whoever still waits for an answer is told. */
  end(): void {
    this.mailbox.refuseAll(stoppedError);
    for (const turn of [...this.mailbox.running()]) turn.call.abandon(stoppedError(turn.call));
    this.forgetEverything();
  }

  /** Runs `onDeactivate` and leaves memory; calls that come meanwhile go on with a new instance. */
  async passivate(): Promise<void> {
    if (this.busy) return;
    const hook = this.activated ? this.#instance?.onDeactivate : undefined;
    if (hook) {
      await this.#runSystemTurn('onDeactivate', async () => {
        try {
          await hook();
        } finally {
          this.dropInstance();
        }
      }).catch((error: unknown) =>
        this.parts.logger.error({ actor: this.address, err: error }, 'onDeactivate failed'),
      );
    } else {
      this.dropInstance();
    }
    if (!this.busy && !this.activated) this.host.remove(this);
  }

  /** Resolves when no turn runs or waits. */
  async idle(): Promise<void> {
    if (this.busy) await new Promise<void>((resolve) => (this.#whenIdle ??= []).push(resolve));
  }

  /** Aborts when the actor has to leave although a turn of it still runs. */
  get leaving(): AbortSignal {
    return (this.#leaving ??= new AbortController()).signal;
  }

  giveUp(reason: TroupeError): void {
    this.#leaving?.abort(reason);
  }

  /** Tells the instance of its end, also while a turn of it runs. */
  async deactivate(): Promise<void> {
    if (!this.busy) await this.passivate();
    else if (this.activated) await this.#instance?.onDeactivate?.();
  }

  /** For a host that stops: waits for the turns that run and wait, then passivates. */
  async passivateWhenIdle(): Promise<void> {
    await this.idle();
    await this.passivate();
  }

  /** True while turns run or wait, or a commit is on its way. */
  get busy(): boolean {
    return this.mailbox.busy || this.#besides > 0 || this.state.commits?.pending() !== undefined;
  }

  /** The turn is over and its call answered: lets the next ones start. */
  finish(turn: Turn): void {
    this.leave(turn);
    if (!turn.enclosing) this.answered();
  }

  /** The turn runs no more; its answer may still wait for a commit. */
  leave(turn: Turn): void {
    turn.closed = true;
    if (turn.isBeside) {
      this.#besides--;
      return;
    }
    if (turn.enclosing) {
      const { enclosing } = turn;
      enclosing.inner = undefined;
      this.#startNextInside(enclosing);
      return;
    }
    this.mailbox.leave(turn);
    this.#startWaiting();
  }

  /** The call of a turn that has left was answered. */
  answered(): void {
    this.parts.counters.openTurns--;
    if (this.busy) return;
    this.host.rested(this);
    this.#whenIdle?.forEach((resolve) => resolve());
    this.#whenIdle = undefined;
  }

  #startWaiting(): void {
    for (;;) {
      const next = this.mailbox.take(this.activated);
      if (!next) return;
      this.#start(next);
    }
  }

  #runSystemTurn(method: string, run: () => Promise<unknown>): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const payload = new LocalValue(run);
      this.#enter(
        new Call(
          this.type,
          this.id,
          method,
          'system',
          payload,
          this.now() + HOOK_TIMEOUT_MS,
          undefined,
          resolve,
          reject,
        ),
      );
    });
  }

  #comeBack(call: Call, enclosing: Turn): void {
    if (enclosing.readOnly && call.readOnly) {
      this.#start(call);
      return;
    }
    const refusal = refusalToReenter(this, call, enclosing);
    if (refusal) call.reject(refusal);
    else if (enclosing.inner) {
      (enclosing.innerQueue ??= []).push(call);
      call.queuedInside = enclosing;
      breakWaitCycle(call);
    } else this.#startInside(call, enclosing);
  }

  #wait(call: Call): void {
    if (this.mailbox.waiting >= this.host.target.mailboxLimit) {
      call.reject(overloaded(this, call));
      return;
    }
    call.queuedIn = this;
    this.mailbox.push(call);
    breakWaitCycle(call);
  }

  #start(call: Call): void {
    call.queuedIn = undefined;
    const isShared = call.shared && this.activated;
    if (!this.mailbox.busy) this.host.woken(this);
    const turn = new Turn(this, call, call.readOnly, ++this.parts.counters.turns);
    this.parts.counters.openTurns++;
    this.mailbox.enter(turn, isShared);
    void runTurn(this, turn);
  }

  #startBeside(call: Call): void {
    if (!this.busy) this.host.woken(this);
    this.#besides++;
    const turn = new Turn(this, call, false, ++this.parts.counters.turns);
    turn.isBeside = true;
    this.parts.counters.openTurns++;
    void this.order.run(() => runTurn(this, turn));
  }

  #startNextInside(enclosing: Turn): void {
    let next = enclosing.innerQueue?.shift();
    while (next?.settled) next = enclosing.innerQueue?.shift();
    if (next) this.#startInside(next, enclosing);
    else enclosing.innerEnded();
  }

  #startInside(call: Call, enclosing: Turn): void {
    call.queuedInside = undefined;
    const turn = new Turn(this, call, call.readOnly, ++this.parts.counters.turns, enclosing);
    enclosing.inner = turn;
    void runTurn(this, turn);
  }
}
