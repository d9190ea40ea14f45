/**
 * One actor in memory: its mailbox, its instance, what is known of its state,
 * and its ownership. Opens turns, commits them, and answers their calls.
 */
import type { ActorInstance, HostedType } from './actor-type.ts';
import { Call, chainOf, describeChain } from './call.ts';
import { LocalValue } from './codec.ts';
import { REMINDER } from './commit.ts';
import type { EngineParts } from './engine-parts.ts';
import { TroupeError, type ActorAddress } from './errors.ts';
import { Mailbox } from './mailbox.ts';
import { Ownership, OWNER } from './ownership.ts';
import type { ReminderRecord, StoredEntry, TimerSpec } from './ports.ts';
import { StateCell } from './state-cell.ts';
import { planTimer, Timers } from './timers.ts';
import { Turn } from './turn.ts';
import { runTurn } from './turn-run.ts';
import { findWaitCycle, youngest } from './wait-graph.ts';

/** What calls made by `onDeactivate` may take. */
const HOOK_TIMEOUT_MS = 60_000;

export class Activation {
  readonly host: HostedType;
  readonly id: string;
  readonly parts: EngineParts;
  readonly mailbox = new Mailbox();
  /** Place in the list of idle activations. */
  older: Activation | undefined = undefined;
  newer: Activation | undefined = undefined;
  restedAt = 0;
  #instance: ActorInstance | undefined = undefined;
  #activated = false;
  #cells: Map<string, StateCell<unknown>> | undefined = undefined;
  #ownership: Ownership | undefined = undefined;
  #claiming: Promise<Ownership> | undefined = undefined;
  #timers: Timers | undefined = undefined;
  #whenIdle: (() => void)[] | undefined = undefined;

  constructor(host: HostedType, id: string, parts: EngineParts) {
    this.host = host;
    this.id = id;
    this.parts = parts;
  }

  get type(): string {
    return this.host.target.type;
  }

  get address(): ActorAddress {
    return { type: this.type, id: this.id };
  }

  /** True once the instance stands and its `onActivate` has run. */
  get activated(): boolean {
    return this.#activated;
  }

  set activated(value: boolean) {
    this.#activated = value;
  }

  get epoch(): number | undefined {
    return this.#ownership?.epoch;
  }

  now(): number {
    return this.parts.clock.now();
  }

  /** A call arrives: it starts now, waits its turn, joins the turn that it came from, or is refused. */
  admit(call: Call): void {
    call.readOnly = call.kind === 'method' && this.host.target.isReadOnly(call.method);
    call.shared = call.readOnly && !call.once;
    const enclosing = this.#turnOfChain(call);
    if (enclosing) this.#comeBack(call, enclosing);
    else if (this.mailbox.admits(call.shared && this.#activated)) this.#start(call);
    else this.#wait(call);
  }

  /** A waiting call was given up by its caller. */
  withdraw(call: Call): void {
    call.queuedIn = undefined;
    this.mailbox.withdraw();
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

  cell<T>(name: string, initial: () => T, ttlMs: number | undefined): StateCell<T> {
    this.#cells ??= new Map();
    let cell = this.#cells.get(name);
    if (!cell) {
      cell = new StateCell<unknown>(this, name, initial, ttlMs);
      this.#cells.set(name, cell);
    }
    return cell as StateCell<T>;
  }

  /** The cell of a name, declared by the actor or not. */
  anyCell(name: string): StateCell<unknown> {
    return this.#cells?.get(name) ?? this.cell<unknown>(name, () => null, undefined);
  }

  async loadCell(cell: StateCell<unknown>): Promise<void> {
    const row = await this.readRow(cell.name);
    cell.json = row.json;
    cell.etag = row.etag;
    cell.expiresAt = row.expiresAt;
    cell.loaded = true;
  }

  /** Reads a row, the ownership record with it when it is not known yet; the claim will depend on it. */
  async readRow(name: string): Promise<StoredEntry> {
    if (this.#ownership) {
      const [row] = await this.parts.store.read(this.address, [name]);
      this.#ownership.observe(row!);
      return row!;
    }
    const term = await this.#term();
    const [owner, row] = await this.parts.store.read(this.address, [OWNER, name]);
    const ownership = this.#adopt(term, owner!);
    ownership.observe(row!);
    return row!;
  }

  /** The ownership record, read once an activation. Errors: FENCED when it belongs to a newer owner. */
  async ownership(): Promise<Ownership> {
    if (this.#ownership) return this.#ownership;
    this.#claiming ??= (async () => {
      const term = await this.#term();
      const [owner] = await this.parts.store.read(this.address, [OWNER]);
      return this.#adopt(term, owner!);
    })().finally(() => {
      this.#claiming = undefined;
    });
    return this.#claiming;
  }

  /** A commit was refused or its outcome is unknown: nothing in memory can be trusted. Gives the error to throw. */
  async commitFailed(cause: unknown, isConflict: boolean): Promise<unknown> {
    this.forgetEverything();
    if (!isConflict) return cause;
    await this.ownership();
    return new TroupeError(
      'FENCED',
      `another activation of ${this.type}/${this.id} committed first; this one starts anew`,
      {
        cause,
        retryable: true,
        actor: this.address,
      },
    );
  }

  /** Drops instance and timers; committed state stays known. */
  dropInstance(): void {
    this.#instance = undefined;
    this.#activated = false;
    this.#timers?.clear();
    this.#timers = undefined;
  }

  forgetEverything(): void {
    this.dropInstance();
    this.#ownership = undefined;
    this.#cells?.forEach((cell) => cell.reset());
  }

  applyTimer(name: string, spec: TimerSpec | null): void {
    if (!spec) {
      this.#timers?.delete(name);
      return;
    }
    const { parts, type, id } = this;
    this.#timers ??= new Timers(parts.clock, (firing, method) =>
      parts
        .enter({
          type,
          id,
          method: method ?? firing.name,
          kind: 'timer',
          payload: new LocalValue({ firing, method }),
        })
        .catch((error: unknown) =>
          parts.logger.warn(
            { actor: { type, id }, timer: firing.name, err: error },
            'timer failed',
          ),
        ),
    );
    this.#timers.set(name, planTimer(name, spec, this.now()));
  }

  async readReminder(name: string): Promise<ReminderRecord | undefined> {
    const { json } = await this.readRow(REMINDER + name);
    return json === undefined ? undefined : (JSON.parse(json) as ReminderRecord);
  }

  /** Runs `onDeactivate` and leaves memory; calls that come meanwhile go on with a new instance. */
  async passivate(): Promise<void> {
    if (this.mailbox.busy) return;
    const hook = this.#activated ? this.#instance?.onDeactivate : undefined;
    if (hook) {
      await this.#runSystemTurn('onDeactivate', async () => {
        await hook();
        this.dropInstance();
      });
    } else {
      this.dropInstance();
    }
    if (!this.mailbox.busy && !this.#activated) this.host.remove(this);
  }

  /** For a host that stops: waits for the turns that run and wait, then passivates. */
  async passivateWhenIdle(): Promise<void> {
    if (this.mailbox.busy)
      await new Promise<void>((resolve) => (this.#whenIdle ??= []).push(resolve));
    await this.passivate();
  }

  /** The turn is over and its call answered: lets the next ones start. */
  finish(turn: Turn): void {
    turn.closed = true;
    if (turn.enclosing) {
      const { enclosing } = turn;
      enclosing.inner = undefined;
      const next = enclosing.innerQueue?.shift();
      if (next) this.#startInside(next, enclosing);
      return;
    }
    this.mailbox.leave(turn);
    this.parts.counters.openTurns--;
    for (let next = this.mailbox.take(); next; next = this.mailbox.take()) this.#start(next);
    if (this.mailbox.busy) return;
    this.host.rested(this);
    this.#whenIdle?.forEach((resolve) => resolve());
    this.#whenIdle = undefined;
  }

  async #term(): Promise<number> {
    const owner = await this.parts.placement.owner(this.type, this.id);
    if (owner.kind === 'here') return owner.term;
    throw new TroupeError('MOVED', `${this.type}/${this.id} now lives on ${owner.address}`, {
      actor: this.address,
    });
  }

  #adopt(term: number, row: StoredEntry): Ownership {
    if (this.#ownership) return this.#ownership;
    const ownership = new Ownership(this.address, term, row, this.parts.random.id());
    if (ownership.superseded) {
      this.parts.fenced(this.address);
      throw new TroupeError(
        'FENCED',
        `a newer host has taken over ${this.type}/${this.id} in the same store; this one must stop, or be started again to take it back`,
        { actor: this.address },
      );
    }
    this.#ownership = ownership;
    return ownership;
  }

  #runSystemTurn(method: string, run: () => Promise<unknown>): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const payload = new LocalValue(run);
      this.admit(
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

  #turnOfChain(call: Call): Turn | undefined {
    for (let turn = call.parent; turn; turn = turn.call.parent)
      if (turn.activation === this) return turn;
    if (call.chainId !== undefined) {
      for (const turn of this.mailbox.running())
        if (turn.hasChainId(call.chainId)) return innermost(turn);
    }
    return undefined;
  }

  #comeBack(call: Call, enclosing: Turn): void {
    const { reentrancyDepth } = this.host.target;
    if (enclosing.readOnly && call.readOnly) {
      this.#start(call);
      return;
    }
    const chain = chainOf(call);
    const at = { actor: this.address, method: call.method, details: { chain } };
    if (reentrancyDepth === 0) {
      call.reject(
        new TroupeError(
          'DEADLOCK',
          `${describeChain(chain)}: ${this.type}/${this.id} waits for this very call, and is not declared reentrant`,
          at,
        ),
      );
    } else if (enclosing.readOnly) {
      call.reject(
        new TroupeError(
          'DEADLOCK',
          `${describeChain(chain)}: a read-only turn waits for this call, which may write`,
          at,
        ),
      );
    } else if (
      chain.filter((link) => link.type === this.type && link.id === this.id).length >
      reentrancyDepth
    ) {
      call.reject(
        new TroupeError(
          'STACK_DEPTH',
          `${describeChain(chain)}: deeper than ${reentrancyDepth} turns on ${this.type}/${this.id}`,
          at,
        ),
      );
    } else if (enclosing.inner) {
      (enclosing.innerQueue ??= []).push(call);
    } else {
      this.#startInside(call, enclosing);
    }
  }

  #wait(call: Call): void {
    const { mailboxLimit } = this.host.target;
    if (this.mailbox.waiting >= mailboxLimit) {
      call.reject(
        new TroupeError(
          'OVERLOADED',
          `${mailboxLimit} calls already wait for ${this.type}/${this.id}; try again later`,
          {
            actor: this.address,
            method: call.method,
            details: { waiting: this.mailbox.waiting, limit: mailboxLimit, retryAfterMs: 1000 },
          },
        ),
      );
      return;
    }
    call.queuedIn = this;
    this.mailbox.push(call);
    const cycle = call.parent && findWaitCycle(call);
    if (cycle) {
      const victim = youngest(cycle);
      const chain = cycle.map((waiting) => describeChain(chainOf(waiting))).join('; ');
      const { type, id, method } = victim;
      victim.abandon(
        new TroupeError(
          'DEADLOCK',
          `call chains wait for each other, the one that began last was ended: ${chain}`,
          {
            actor: { type, id },
            method,
            details: { chains: cycle.map(chainOf) },
          },
        ),
      );
    }
  }

  #start(call: Call): void {
    call.queuedIn = undefined;
    const isShared = call.shared && this.#activated;
    if (!this.mailbox.busy) this.host.woken(this);
    const turn = new Turn(this, call, call.readOnly, ++this.parts.counters.turns);
    this.parts.counters.openTurns++;
    this.mailbox.enter(turn, isShared);
    void runTurn(this, turn);
  }

  #startInside(call: Call, enclosing: Turn): void {
    if (call.settled) {
      const next = enclosing.innerQueue?.shift();
      if (next) this.#startInside(next, enclosing);
      return;
    }
    const turn = new Turn(this, call, call.readOnly, ++this.parts.counters.turns, enclosing);
    enclosing.inner = turn;
    void runTurn(this, turn);
  }
}

function innermost(turn: Turn): Turn {
  let at = turn;
  while (at.inner) at = at.inner;
  return at;
}
