/**
 * The one door: every call, from whatever border, gets its deadline here, is
 * placed, and reaches the mailbox of its actor or the peer that owns it.
 */
import type { HostedType } from './actor-type.ts';
import { refusalAtGate, turnOfChain, unknownMethod } from './admission.ts';
import { Call, cancelledError, chainOf, timeoutError } from './call.ts';
import { LocalValue, type Payload } from './codec.ts';
import type { Deadlines } from './deadlines.ts';
import type { EngineParts } from './engine-parts.ts';
import { TroupeError } from './errors.ts';
import { intercept } from './interceptors.ts';
import type { Peer } from './peer.ts';
import type { OutgoingCall, Owner } from './ports.ts';
import { assertName } from './ref.ts';
import { pauseBeforeMove } from './relocation.ts';
import { traceHeadersOf } from './tracing.ts';
import type { Turn } from './turn.ts';

export interface RouterOptions {
  readonly parts: EngineParts;
  readonly types: ReadonlyMap<string, HostedType>;
  readonly deadlines: Deadlines;
  readonly defaultTimeoutMs: number;
  readonly peer: Peer | undefined;
}

export class Router {
  readonly #parts: EngineParts;
  readonly #types: ReadonlyMap<string, HostedType>;
  readonly #deadlines: Deadlines;
  readonly #defaultTimeoutMs: number;
  readonly #peer: Peer | undefined;
  readonly #interceptsOutgoing: boolean;
  /** Calls that end when the signal aborts. */
  readonly #bySignal = new WeakMap<AbortSignal, Set<Call>>();
  #closed = false;

  constructor(options: RouterOptions) {
    this.#parts = options.parts;
    this.#types = options.types;
    this.#deadlines = options.deadlines;
    this.#defaultTimeoutMs = options.defaultTimeoutMs;
    this.#peer = options.peer;
    this.#interceptsOutgoing = options.parts.interceptors.some(({ outgoing }) => outgoing);
  }

  /** From now on calls from outside are refused; calls of turns that run still go through. */
  close(): void {
    this.#closed = true;
  }

  now(): number {
    return this.#parts.clock.now();
  }

  call(outgoing: OutgoingCall): Promise<Payload> {
    const parent = this.#parts.scope.getStore();
    if (!this.#interceptsOutgoing) return this.#enter(outgoing, parent);
    const { type, id, method } = outgoing;
    const headers = { ...(outgoing.headers ?? traceHeadersOf(parent?.call.headers)) };
    const kind = outgoing.kind ?? 'method';
    const intercepted = {
      actor: { type, id },
      method,
      kind,
      caller: parent?.activation.address,
      headers,
    };
    return intercept(this.#parts.interceptors, 'outgoing', intercepted, () =>
      this.#enter({ ...outgoing, headers }, parent),
    ) as Promise<Payload>;
  }

  /** What the engine does on an actor for the API rooms, as a turn of the actor. */
  async system<T>(
    type: string,
    id: string,
    name: string,
    run: (turn: Turn) => Promise<T>,
  ): Promise<T> {
    const answer = await this.call({
      type,
      id,
      method: name,
      kind: 'system',
      payload: new LocalValue(run),
    });
    return (answer as LocalValue).value as T;
  }

  #enter(outgoing: OutgoingCall, parent: Turn | undefined): Promise<Payload> {
    return new Promise((resolve, reject) => {
      const { type, id, method, kind = 'method' } = outgoing;
      const now = this.#parts.clock.now();
      const latest = parent?.call.deadline;
      const wanted = outgoing.deadline ?? latest ?? now + this.#defaultTimeoutMs;
      const deadline = latest !== undefined && latest < wanted ? latest : wanted;
      const call = new Call(
        type,
        id,
        method,
        kind,
        outgoing.payload,
        deadline,
        parent,
        resolve,
        reject,
      );
      call.once = outgoing.once;
      call.isForwarded = outgoing.isForwarded === true;
      call.headers = outgoing.headers ?? (parent && traceHeadersOf(parent.call.headers));
      call.wire = outgoing.wire;
      call.chainId = outgoing.chainId;
      call.chain = outgoing.chain;
      try {
        this.#watch(call, outgoing, now);
        if (!call.settled) this.#place(call);
      } catch (error) {
        call.reject(error);
      }
    });
  }

  #watch(call: Call, outgoing: OutgoingCall, now: number): void {
    if (call.deadline <= now) throw timeoutError(call);
    if (outgoing.deadline === undefined && !call.parent) this.#deadlines.watchDefault(call);
    else if (call.deadline !== call.parent?.call.deadline) this.#deadlines.watch(call);
    const { signal } = outgoing;
    if (signal) {
      if (signal.aborted) throw cancelledError(call, signal.reason);
      const calls = this.#callsOf(signal);
      calls.add(call);
      const before = call.release;
      call.release = (settled) => {
        calls.delete(settled);
        before?.(settled);
      };
    }
  }

  /** One listener a signal, however many calls share it: a connection has one signal for all its requests. */
  #callsOf(signal: AbortSignal): Set<Call> {
    let calls = this.#bySignal.get(signal);
    if (!calls) {
      const waiting = new Set<Call>();
      const abandon = (): void => {
        for (const call of [...waiting]) call.abandon(cancelledError(call, signal.reason));
      };
      signal.addEventListener('abort', abandon, { once: true });
      this.#bySignal.set(signal, waiting);
      calls = waiting;
    }
    return calls;
  }

  /** A call leaves its turn only when everything that the turn builds on is durable. */
  #place(call: Call): void {
    const { parent } = call;
    if (parent?.undone) {
      call.reject(parent.undoneError());
      return;
    }
    const before = parent?.activation.state.commits?.pending();
    if (before) {
      before.then(
        () => this.#placeNow(call),
        (error: unknown) => call.reject(error),
      );
    } else this.#placeNow(call);
  }

  #placeNow(call: Call): void {
    if (call.settled) return;
    try {
      this.#locate(call);
    } catch (error) {
      this.#fail(call, error);
    }
  }

  /** A call that waited for an actor which has left looks for its owner again. */
  relocate(call: Call): void {
    this.#placeNow(call);
  }

  /** Only what cannot have started is placed again, for as long as an owner may still be found. */
  #fail(call: Call, error: unknown): void {
    const pause = pauseBeforeMove(call, error);
    if (pause === undefined) {
      call.reject(error);
      return;
    }
    const { clock } = this.#parts;
    clock.timer(clock.now() + pause, () => this.#placeNow(call), { background: true });
  }

  #locate(call: Call): void {
    if (this.#closed && !call.parent && call.kind !== 'system')
      throw new TroupeError('UNAVAILABLE', 'the host is stopping');
    const hosted = this.#types.get(call.type);
    const active = hosted?.find(call.id);
    if (!active) assertName('actor id', call.id);
    const { gate } = this.#parts.placement;
    if (gate !== undefined && !call.isForwarded && call.kind !== 'system') {
      this.#passGate(call, gate, hosted);
      return;
    }
    const owner = this.#parts.placement.owner(call.type, call.id);
    if (!(owner instanceof Promise)) {
      this.#send(call, owner, hosted);
      return;
    }
    if (active && (call.kind === 'system' || turnOfChain(active, call))) {
      // A turn of the actor waits for it, and the owner is told when those turns have ended.
      owner.catch(() => {});
      active.admit(call);
      return;
    }
    owner.then(
      (known) => this.#send(call, known, this.#types.get(call.type)),
      (error: unknown) => this.#fail(call, error),
    );
  }

  #send(call: Call, owner: Owner, hosted: HostedType | undefined): void {
    if (call.settled) return;
    if (owner.kind === 'peer') {
      this.#forward(call, owner.address);
      return;
    }
    if (!hosted) {
      const known = [...this.#types.keys()].join(', ') || 'none';
      call.reject(
        new TroupeError(
          'NOT_FOUND',
          `no host has actor type "${call.type}"; types here: ${known}`,
          {
            actor: { type: call.type, id: call.id },
            method: call.method,
            details: { actorType: call.type },
          },
        ),
      );
      return;
    }
    if (call.kind === 'method' && !hosted.target.hasMethod(call.method)) {
      call.reject(unknownMethod(call));
      return;
    }
    hosted.open(call.id).admit(call);
  }

  /** Another runtime gives out the turns, and knows nothing of chains: what it would let wait for ever is refused here. */
  #passGate(call: Call, gate: string, hosted: HostedType | undefined): void {
    this.#tellChain(call);
    const refusal = refusalAtGate(hosted, call);
    if (refusal) call.reject(refusal);
    else this.#forward(call, gate);
  }

  /** The chain of a call that leaves the process, for whoever runs it elsewhere. */
  #tellChain(call: Call): void {
    const { parent } = call;
    if (!parent || call.chain) return;
    call.chainId = parent.chainIdOr(() => this.#parts.random.id());
    call.chain = chainOf(call).slice(0, -1);
  }

  #forward(call: Call, address: string): void {
    const { type, id, method } = call;
    if (!this.#peer || call.isForwarded || call.kind === 'system') {
      call.reject(
        new TroupeError('MOVED', `${type}/${id} lives on ${address}, and not on this host`, {
          actor: { type, id },
          method,
        }),
      );
      return;
    }
    const settled = new AbortController();
    const before = call.release;
    call.release = (ended) => {
      settled.abort();
      before?.(ended);
    };
    this.#tellChain(call);
    call.isAway = true;
    this.#peer.call(address, call, settled.signal).then(
      (payload) => call.resolve(payload),
      (error: unknown) => this.#fail(call, error),
    );
  }
}
