/** Types of a typed reference: what a caller sees of an actor, given only an interface. */

export interface CallOptions {
  /** Aborting gives up waiting: CANCELLED, and the callee's signal aborts. */
  readonly signal?: AbortSignal;
  /** Milliseconds since the epoch. A caller that is itself an actor can only shorten its own. */
  readonly deadline?: number;
  /** Shorter form of `deadline`: milliseconds from now. Default 60,000. */
  readonly timeout?: number;
}

type Result<R> = Promise<Awaited<R>>;

/** What a method takes: nothing, one argument, or one that may be left out; `never` for more. */
type RefMethod<F, O> = F extends (...parameters: infer P) => infer R
  ? P extends readonly []
    ? (argument?: undefined, options?: O) => Result<R>
    : P extends readonly [infer A]
      ? undefined extends A
        ? (argument?: A, options?: O) => Result<R>
        : (argument: A, options?: O) => Result<R>
      : P extends readonly [(infer A)?]
        ? (argument?: A, options?: O) => Result<R>
        : never
  : never;

type OutboxMethod<F> = F extends (...parameters: infer P) => unknown
  ? P extends readonly []
    ? () => void
    : P extends readonly [infer A]
      ? undefined extends A
        ? (argument?: A) => void
        : (argument: A) => void
      : P extends readonly [(infer A)?]
        ? (argument?: A) => void
        : never
  : never;

/** The methods of `T`, each with at most one argument, plus call options. */
export type ActorRef<T extends object, O = CallOptions> = {
  readonly [K in keyof T as T[K] extends (...args: never[]) => unknown ? K : never]: RefMethod<
    T[K],
    O
  >;
};

/** The methods of `T` as durable sends: they return nothing, and take effect after the turn's commit. */
export type OutboxRef<T extends object> = {
  readonly [K in keyof T as T[K] extends (...args: never[]) => unknown ? K : never]: OutboxMethod<
    T[K]
  >;
};
