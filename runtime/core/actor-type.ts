/**
 * One hosted actor type: how its actors are made and called (the definition),
 * which of them are active here, and in which order they fall idle.
 */
import { Activation } from './activation.ts';
import type { Payload } from './codec.ts';
import type { EngineParts } from './engine-parts.ts';
import type { ClockTimer } from './ports.ts';
import type { Firing } from './timers.ts';

/** A live instance of an actor, as the engine drives it. */
export interface ActorInstance {
  /** Runs the method; the value it returns, or a promise of it. Throws METHOD_NOT_FOUND. */
  invoke(method: string, payload: Payload): unknown;
  /** Absent when the actor has no such hook. */
  readonly onActivate?: (() => unknown) | undefined;
  readonly onDeactivate?: (() => unknown) | undefined;
  readonly onReminder?: ((firing: Firing) => unknown) | undefined;
  readonly onTimer?: ((firing: Firing) => unknown) | undefined;
}

/** How actors of a type are made: in this process by a class, elsewhere by an app behind a channel. */
export interface ActorTarget {
  readonly type: string;
  readonly idleMs: number;
  readonly mailboxLimit: number;
  /** How long turns may go on when their actor has to go to another host. Default 2 s. */
  readonly drainMs?: number | undefined;
  /**
   * True: the actor lives in an app outside. What it asks of its state, timers
   * and reminders comes while its own turn runs, so each of these is a
   * transaction of its own beside the turns.
   */
  readonly outside?: boolean;
  /** 0: a chain that comes back is a deadlock. */
  readonly reentrancyDepth: number;
  /** False: the call is refused with METHOD_NOT_FOUND before it waits. */
  hasMethod(method: string): boolean;
  isReadOnly(method: string): boolean;
  activate(activation: Activation): ActorInstance;
}

export class HostedType {
  readonly target: ActorTarget;
  readonly #parts: EngineParts;
  readonly #active = new Map<string, Activation>();
  /** Least recently used first. */
  #oldest: Activation | undefined;
  #newest: Activation | undefined;
  #timer: ClockTimer | undefined;

  constructor(target: ActorTarget, parts: EngineParts) {
    this.target = target;
    this.#parts = parts;
  }

  get count(): number {
    return this.#active.size;
  }

  find(id: string): Activation | undefined {
    return this.#active.get(id);
  }

  open(id: string): Activation {
    let activation = this.#active.get(id);
    if (!activation) {
      activation = new Activation(this, id, this.#parts);
      this.#active.set(id, activation);
    }
    return activation;
  }

  /** The activation has just become idle: it is now the most recently used. */
  rested(activation: Activation): void {
    this.#unlink(activation);
    activation.restedAt = this.#parts.clock.now();
    activation.older = this.#newest;
    if (this.#newest) this.#newest.newer = activation;
    else this.#oldest = activation;
    this.#newest = activation;
    if (!this.#timer) this.#arm();
  }

  /** The activation is busy, and so not on the list of idle ones. */
  woken(activation: Activation): void {
    this.#unlink(activation);
  }

  remove(activation: Activation): void {
    this.#unlink(activation);
    if (this.#active.get(activation.id) !== activation) return;
    this.#active.delete(activation.id);
    this.#parts.told.deactivated(activation.type);
  }

  activations(): Iterable<Activation> {
    return this.#active.values();
  }

  close(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #unlink(activation: Activation): void {
    const { older, newer } = activation;
    if (older) older.newer = newer;
    else if (this.#oldest === activation) this.#oldest = newer;
    if (newer) newer.older = older;
    else if (this.#newest === activation) this.#newest = older;
    activation.older = undefined;
    activation.newer = undefined;
  }

  #arm(): void {
    const first = this.#oldest;
    if (!first) return;
    const at = first.restedAt + this.target.idleMs;
    this.#timer = this.#parts.clock.timer(at, () => this.#sweep(), { background: true });
  }

  #sweep(): void {
    this.#timer = undefined;
    const now = this.#parts.clock.now();
    while (this.#oldest && this.#oldest.restedAt + this.target.idleMs <= now) {
      const activation = this.#oldest;
      this.#unlink(activation);
      this.#parts.track(activation.passivate());
    }
    this.#arm();
  }
}
