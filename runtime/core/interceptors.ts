/** Interceptors wrap calls on their way out of a caller and into an actor: auth, audit, tracing. */
import type { ActorAddress } from './errors.ts';
import type { CallKind } from './ports.ts';

export interface InterceptedCall {
  readonly actor: ActorAddress;
  readonly method: string;
  readonly kind: CallKind;
  /** The actor that makes the call; undefined from outside. */
  readonly caller: ActorAddress | undefined;
  /** Call metadata, names in lower case. An outgoing interceptor may add to it. */
  readonly headers: Record<string, string>;
}

/**
 * Both may refuse by throwing, look at the outcome of `next`, or run around it.
 * They run in the order given, the first outermost.
 */
export interface Interceptor {
  outgoing?(call: InterceptedCall, next: () => Promise<unknown>): Promise<unknown>;
  /** Runs inside the turn, after the wait in the mailbox. */
  incoming?(call: InterceptedCall, next: () => Promise<unknown>): Promise<unknown>;
}

export function intercept(
  interceptors: readonly Interceptor[],
  direction: 'incoming' | 'outgoing',
  call: InterceptedCall,
  last: () => Promise<unknown>,
): Promise<unknown> {
  const at = (index: number): Promise<unknown> => {
    const interceptor = interceptors[index];
    if (!interceptor) return last();
    return interceptor[direction]
      ? interceptor[direction](call, () => at(index + 1))
      : at(index + 1);
  };
  return at(0);
}
