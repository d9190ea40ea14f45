/** An actor's declared state: named entries, each a value that can be encoded as JSON. */
import type { Duration } from './context.ts';

export interface StateOptions<T> {
  /** Value of an entry that was never written. Called once a turn that needs it. */
  readonly initial: () => T;
  /** The entry returns to `initial` this long after its last write. Default: never. */
  readonly ttl?: Duration;
}

/**
 * One entry. What `get` gives is the turn's own draft: change it in place, and
 * the change is committed when the turn ends well and forgotten when it throws.
 * A draft kept beyond its turn changes nothing.
 */
export interface StateEntry<T> {
  /** Loads on first use. */
  get(): Promise<T>;
  /** Replaces the value in the turn's draft. */
  set(value: T): void;
  /** The entry goes back to `initial`. */
  delete(): void;
}
