/**
 * One turn of an actor: the call it answers, the calls it makes, and everything
 * it wants to change. Nothing here touches the store; commit.ts turns the
 * changes into one transaction. A reentrant turn shares the changes of the turn
 * it runs inside and can roll back to its own start.
 */
import type { Activation } from './activation.ts';
import { type Call, cancelledError, timeoutError } from './call.ts';
import { TroupeError } from './errors.ts';
import type { Draft, StateCell } from './state-cell.ts';
import { restoreSnapshot, takeSnapshot, type Snapshot } from './snapshot.ts';
import type { OutboxMessage } from './outbox-row.ts';
import type { Once, ReminderRecord, TimerSpec } from './ports.ts';

/** What a turn and the reentrant turns inside it want to change. */
export interface Changes {
  drafts: Map<StateCell<unknown>, Draft>;
  /** null: the reminder is to be deleted. */
  reminders: Map<string, ReminderRecord | null>;
  /** null: the timer is to be stopped. */
  timers: Map<string, TimerSpec | null>;
  messages: OutboxMessage[];
  deleted: boolean;
}

interface Savepoint {
  readonly drafts: Map<StateCell<unknown>, { draft: Draft; snapshot: Snapshot }>;
  readonly reminders: Map<string, ReminderRecord | null>;
  readonly timers: Map<string, TimerSpec | null>;
  readonly messages: number;
  readonly deleted: boolean;
}

export class Turn {
  readonly activation: Activation;
  readonly call: Call;
  readOnly: boolean;
  /** The durable send that this turn takes in; committed with its changes. */
  once: Once | undefined;
  /** The reentrant turn that runs inside this one, and those that wait for it. */
  inner: Turn | undefined;
  innerQueue: Call[] | undefined;
  /** The turn on the same actor that this reentrant turn runs inside. */
  readonly enclosing: Turn | undefined;
  /** Larger for chains that began later. */
  readonly age: number;
  closed = false;
  /** It runs beside the turns of an actor outside, and holds no place in the mailbox. */
  isBeside = false;
  /** What has still to be found out when the commit's time has come. */
  beforeCommit: (() => Promise<void>) | undefined = undefined;
  /** Of the activation's memory: what this turn read is gone when the activation is at a later one. */
  readonly generation: number;
  changes: Changes | undefined;
  readonly #savepoint: Savepoint | undefined;
  #chainId: string | undefined;
  #children: Call | undefined;
  #controller: AbortController | undefined;
  #aborted: TroupeError | undefined;
  #whenAlone: (() => void) | undefined;

  constructor(
    activation: Activation,
    call: Call,
    readOnly: boolean,
    age: number,
    enclosing?: Turn,
  ) {
    this.activation = activation;
    this.generation = activation.generation;
    this.call = call;
    this.readOnly = readOnly;
    this.enclosing = enclosing;
    this.age = call.parent?.age ?? age;
    this.#chainId = call.chainId;
    if (enclosing) {
      this.changes = enclosing.mutable();
      this.#savepoint = savepointOf(this.changes);
    }
    call.turn = this;
  }

  /** The record of changes, made when first needed. */
  mutable(): Changes {
    this.changes ??= {
      drafts: new Map(),
      reminders: new Map(),
      timers: new Map(),
      messages: [],
      deleted: false,
    };
    return this.changes;
  }

  /** Throws when the turn is over or may not write. */
  assertWritable(what: string): void {
    if (this.closed) {
      throw new TroupeError(
        'INVALID_ARGUMENT',
        `${what} after the turn of ${this.describe()} had ended; await everything before returning`,
      );
    }
    if (this.readOnly) {
      throw new TroupeError(
        'READ_ONLY',
        `${this.describe()} is declared read-only and cannot change anything (${what})`,
      );
    }
  }

  /** What the turn, or one that it runs inside, has read was lost with a commit that failed. */
  get undone(): boolean {
    // An actor outside keeps what it did, whatever becomes of a commit.
    if (this.activation.host.target.outside) return false;
    return this.generation !== this.activation.generation || this.enclosing?.undone === true;
  }

  undoneError(): TroupeError {
    return new TroupeError(
      'UNAVAILABLE',
      `${this.describe()} was undone, because the turn before it could not be committed; try again`,
      { actor: this.activation.address, method: this.call.method },
    );
  }

  describe(): string {
    return `${this.call.type}/${this.call.id} ${this.call.method}`;
  }

  /** Undoes what this reentrant turn changed, in the very objects that the outer turn holds. */
  rollBackToSavepoint(): void {
    const { changes } = this;
    const savepoint = this.#savepoint;
    if (!changes || !savepoint) return;
    for (const cell of [...changes.drafts.keys()])
      if (!savepoint.drafts.has(cell)) changes.drafts.delete(cell);
    for (const [cell, { draft, snapshot }] of savepoint.drafts) {
      changes.drafts.set(cell, { ...draft, value: restoreSnapshot(snapshot) });
    }
    changes.reminders = new Map(savepoint.reminders);
    changes.timers = new Map(savepoint.timers);
    changes.messages.length = savepoint.messages;
    changes.deleted = savepoint.deleted;
  }

  /**
   * Resolves when no reentrant turn runs inside this one any more: what a
   * method started and did not await still belongs to its turn.
   */
  alone(): Promise<void> {
    return new Promise((resolve) => {
      if (this.inner) this.#whenAlone = resolve;
      else resolve();
    });
  }

  /** The last reentrant turn inside this one is over. */
  innerEnded(): void {
    this.#whenAlone?.();
    this.#whenAlone = undefined;
  }

  /** The id under which calls come back to this turn over a wire; the first one asked for is kept. */
  chainIdOr(id: () => string): string {
    this.#chainId ??= id();
    return this.#chainId;
  }

  get chainId(): string | undefined {
    return this.#chainId;
  }

  /** True when a call that arrived over a wire with this chain id belongs to this turn's chain. */
  hasChainId(id: string): boolean {
    for (let turn: Turn | undefined = this; turn; turn = turn.call.parent)
      if (turn.#chainId === id) return true;
    return false;
  }

  get signal(): AbortSignal {
    if (!this.#controller) {
      this.#controller = new AbortController();
      const reason = this.#aborted ?? this.enclosing?.signalReason();
      if (reason) this.#controller.abort(reason);
    }
    return this.#controller.signal;
  }

  signalReason(): TroupeError | undefined {
    return this.#aborted ?? this.enclosing?.signalReason();
  }

  /** Nobody waits any more: tells the method through its signal and ends the calls that it waits for. */
  abort(reason: TroupeError): void {
    if (this.#aborted) return;
    this.#aborted = reason;
    // Listeners are the author's code, which may use the context.
    const { scope } = this.activation.parts;
    scope.run(this, () => this.#controller?.abort(reason));
    for (let child = this.#children; child;) {
      const next: Call | undefined = child.nextSibling;
      child.abandon(
        reason.code === 'TIMEOUT' ? timeoutError(child) : cancelledError(child, reason),
      );
      child = next;
    }
  }

  adopt(child: Call): void {
    child.nextSibling = this.#children;
    if (this.#children) this.#children.previousSibling = child;
    this.#children = child;
  }

  release(child: Call): void {
    if (child.previousSibling) child.previousSibling.nextSibling = child.nextSibling;
    else this.#children = child.nextSibling;
    if (child.nextSibling) child.nextSibling.previousSibling = child.previousSibling;
  }

  /** Calls of this turn that have no answer yet. */
  *children(): Iterable<Call> {
    for (let child = this.#children; child; child = child.nextSibling) yield child;
  }
}

function savepointOf(changes: Changes): Savepoint {
  const drafts = new Map<StateCell<unknown>, { draft: Draft; snapshot: Snapshot }>();
  for (const [cell, draft] of changes.drafts)
    drafts.set(cell, { draft: { ...draft }, snapshot: takeSnapshot(draft.value) });
  return {
    drafts,
    reminders: new Map(changes.reminders),
    timers: new Map(changes.timers),
    messages: changes.messages.length,
    deleted: changes.deleted,
  };
}
