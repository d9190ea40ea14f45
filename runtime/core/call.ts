/**
 * One call in flight, from the router to its answer. It belongs to at most one
 * parent turn (the turn that made it), and is in at most one mailbox and one
 * deadline list; those lists run through the call itself, so that a call costs
 * one object.
 */
import type { Activation } from './activation.ts';
import type { Payload } from './codec.ts';
import { TroupeError, type ActorAddress } from './errors.ts';
import type { CallKind, Once, WireRequest } from './ports.ts';
import type { Turn } from './turn.ts';

export class Call {
  readonly type: string;
  readonly id: string;
  readonly method: string;
  readonly kind: CallKind;
  readonly payload: Payload;
  readonly deadline: number;
  readonly parent: Turn | undefined;
  once: Once | undefined = undefined;
  /** It came from another host, and goes to no third one. */
  isForwarded = false;
  /** It went to another host, which may have begun with it. */
  isAway = false;
  /** How often it was placed anew. */
  moves = 0;
  headers: Readonly<Record<string, string>> | undefined = undefined;
  wire: WireRequest | undefined = undefined;
  chainId: string | undefined = undefined;
  /** Actors of the chain that ran in other processes, outermost first. */
  chain: readonly ActorAddress[] | undefined = undefined;

  settled = false;
  /** The method is declared read-only. */
  readOnly = false;
  /** It may run beside others of its kind. A durable send may not: it commits that it was seen. */
  shared = false;
  /** The turn that the call runs in, once it started. */
  turn: Turn | undefined = undefined;
  /** The activation in whose mailbox the call waits. */
  queuedIn: Activation | undefined = undefined;
  /** It comes back to this turn and waits for the reentrant turn that runs inside it now. */
  queuedInside: Turn | undefined = undefined;
  nextQueued: Call | undefined = undefined;
  previousSibling: Call | undefined = undefined;
  nextSibling: Call | undefined = undefined;
  previousDeadline: Call | undefined = undefined;
  nextDeadline: Call | undefined = undefined;
  /** Undoes what watches this call from outside: deadline and abort signal. */
  release: ((call: Call) => void) | undefined = undefined;
  readonly #resolve: (payload: Payload) => void;
  readonly #reject: (error: unknown) => void;

  constructor(
    type: string,
    id: string,
    method: string,
    kind: CallKind,
    payload: Payload,
    deadline: number,
    parent: Turn | undefined,
    resolve: (payload: Payload) => void,
    reject: (error: unknown) => void,
  ) {
    this.type = type;
    this.id = id;
    this.method = method;
    this.kind = kind;
    this.payload = payload;
    this.deadline = deadline;
    this.parent = parent;
    this.#resolve = resolve;
    this.#reject = reject;
    if (parent) parent.adopt(this);
  }

  resolve(payload: Payload): void {
    if (this.#settle()) this.#resolve(payload);
  }

  reject(error: unknown): void {
    if (this.#settle()) this.#reject(error);
  }

  /** The caller stops waiting: a queued call never starts, a running turn is told through its signal. */
  abandon(error: TroupeError): void {
    if (this.settled) return;
    const { turn, queuedIn } = this;
    this.reject(error);
    if (queuedIn) queuedIn.withdraw(this);
    turn?.abort(error);
  }

  #settle(): boolean {
    if (this.settled) return false;
    this.settled = true;
    this.parent?.release(this);
    this.release?.(this);
    this.release = undefined;
    return true;
  }
}

/** The actor that made the call, by a turn or by a durable send; undefined for a call from outside. */
export function callerOf({ parent, once, chain }: Call): ActorAddress | undefined {
  if (parent) return parent.activation.address;
  if (chain) return chain.at(-1);
  const [type, id, more] = once?.key.split('||') ?? [];
  return !type || !id || more !== undefined ? undefined : { type, id };
}

/** The chain of actors that led to a call, outermost first, the called one last. */
export function chainOf(call: Call): ActorAddress[] {
  const chain: ActorAddress[] = [{ type: call.type, id: call.id }];
  let first = call;
  for (let turn = call.parent; turn; turn = turn.call.parent) {
    chain.unshift({ type: turn.call.type, id: turn.call.id });
    first = turn.call;
  }
  return first.chain ? [...first.chain, ...chain] : chain;
}

export function describeChain(chain: readonly ActorAddress[]): string {
  return chain.map(({ type, id }) => `${type}/${id}`).join(' -> ');
}

/** False: it is certain that no turn has begun for it. */
const hasStarted = ({ turn, isAway }: Call): boolean => turn !== undefined || isAway;

export function timeoutError(call: Call): TroupeError {
  const started = hasStarted(call);
  return new TroupeError(
    'TIMEOUT',
    started
      ? `${call.type}/${call.id} ${call.method} did not answer before its deadline; whether it took effect is unknown`
      : `${call.type}/${call.id} ${call.method} did not start before its deadline; it will not run`,
    { actor: { type: call.type, id: call.id }, method: call.method, details: { started } },
  );
}

export function cancelledError(call: Call, cause: unknown): TroupeError {
  return new TroupeError(
    'CANCELLED',
    `the caller of ${call.type}/${call.id} ${call.method} gave up waiting`,
    {
      cause,
      actor: { type: call.type, id: call.id },
      method: call.method,
      details: { started: hasStarted(call) },
    },
  );
}

/** The turn of a call was given up, because its actor had to go to another host. */
export function evictedError(call: Call): TroupeError {
  return new TroupeError(
    'UNAVAILABLE',
    `${call.type}/${call.id} moved to another host while ${call.method} ran; whether it took effect is unknown`,
    {
      actor: { type: call.type, id: call.id },
      method: call.method,
      details: { started: true },
    },
  );
}

export function stoppedError(call: Call): TroupeError {
  return new TroupeError(
    'UNAVAILABLE',
    `the host stopped before ${call.type}/${call.id} ${call.method} answered`,
    {
      actor: { type: call.type, id: call.id },
      method: call.method,
      details: { started: hasStarted(call) },
    },
  );
}
