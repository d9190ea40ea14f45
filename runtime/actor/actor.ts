/**
 * The base class of actors. Only methods declared below it can be called from
 * outside: never its own, never hooks, never what Object brings.
 */
import type { ActorContext, Duration, Firing } from './context.ts';
import type { StateEntry, StateOptions } from './state.ts';

export interface ActorOptions {
  /** Without a call for this long, the activation is dropped; state stays. Default `60m`. */
  readonly idleTimeout?: Duration;
  /**
   * A call chain that comes back to this actor runs inside the waiting turn.
   * Default false: it fails with DEADLOCK. Depth is at most `maxDepth`, default 32.
   */
  readonly reentrant?: boolean | { readonly maxDepth: number };
  /** Methods that do not write: they run together, and a write in one throws READ_ONLY. */
  readonly readOnly?: readonly string[];
  /**
   * Methods that are tasks, by name of the method: a call is a turn that hands its argument
   * to the task and answers with what the task gives. The class has no body for them;
   * `declare` them for the types.
   */
  readonly offloaded?: Readonly<Record<string, string>>;
  /** Calls that may wait for this actor before callers get OVERLOADED. Default 1000. */
  readonly mailbox?: number;
}

/** A topic whose events are delivered to actors of the type, each as a turn. */
export interface TopicSubscription {
  /** Component name. Default `pubsub`. */
  readonly pubsub?: string;
  readonly topic: string;
  /** Called with the event as its argument. */
  readonly method: string;
  /** Which actor takes the event. */
  readonly id: (event: CloudEvent) => string;
  /**
   * The event goes there when the method failed. Absent: it is logged and dropped
   * after an application error, and delivered again by the broker after any other.
   */
  readonly deadLetterTopic?: string;
}

/** A CloudEvent 1.0 as subscribers get it; `data` is parsed when it was JSON. */
export interface CloudEvent<T = unknown> {
  readonly id: string;
  readonly source: string;
  readonly type: string;
  readonly specversion: string;
  readonly datacontenttype?: string;
  readonly subject?: string;
  readonly time?: string;
  readonly topic: string;
  readonly pubsubname: string;
  readonly traceparent?: string;
  readonly data: T;
}

/** Marks the base class, so that its methods are told from an author's also across two copies of this package. */
export const ACTOR_BASE: unique symbol = Symbol.for('troupe.actor.base') as never;

export abstract class Actor<Services = unknown> {
  static readonly [ACTOR_BASE] = true;
  readonly ctx: ActorContext<Services>;

  constructor(ctx: ActorContext<Services>) {
    this.ctx = ctx;
  }

  /** Declares a state entry; use it as a field initialiser: `readonly #cart = this.state('cart', { initial: () => [] })`. */
  protected state<T>(name: string, options: StateOptions<T>): StateEntry<T> {
    return this.ctx.state(name, options);
  }

  /** Runs inside the first turn of an activation, before its method. */
  onActivate?(): Promise<void> | void;
  /** Runs as a turn of its own when the activation is passivated; not after a crash. */
  onDeactivate?(): Promise<void> | void;
  onReminder?(reminder: Firing): Promise<void> | void;
  onTimer?(timer: Firing): Promise<void> | void;
}

/** A class that can be hosted: `static type` is its name on the wire. */
export interface ActorClass<A extends Actor = Actor> {
  readonly type: string;
  readonly options?: ActorOptions;
  readonly subscriptions?: readonly TopicSubscription[];
  new (ctx: ActorContext<never>): A;
}
