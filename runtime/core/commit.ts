/**
 * Commits what turns changed: one conditional transaction, then memory, timers,
 * reminders and outbox in line with it. Nothing else writes actor state.
 *
 * Turns of one actor are pipelined. While a commit is on its way to the store,
 * the next turns run on the state that it will leave, and are committed
 * together by the transaction after it. No answer, no durable send and no call
 * of theirs leaves before everything they build on is durable; if a commit
 * fails, every turn that built on it fails with it.
 */
import type { Activation } from './activation.ts';
import { isTroupeError } from './errors.ts';
import { specOf } from './reminders.ts';
import { encodeRow, outboxRowName, type OutboxMessage, type OutboxRow } from './outbox-row.ts';
import type { Ownership } from './ownership.ts';
import type { EntryWrite, StoredEntry } from './ports.ts';
import type { Changes, Turn } from './turn.ts';
import { writesOf, type TurnWrites } from './turn-writes.ts';

/** Turns that one transaction takes at most. */
const MAX_TURNS = 256;

/** What an answer waits for. */
export interface Held {
  readonly durable: Promise<void>;
  /** True: the next turn has to wait as well. */
  readonly barrier: boolean;
}

/**
 * Takes in what a turn changed. Undefined: there is nothing to wait for.
 * Throws at once what makes the turn invalid; `durable` rejects when the store
 * refused or failed.
 */
export function commitTurn(activation: Activation, turn: Turn): Held | undefined {
  const held = commitChanges(activation, turn);
  const outside = turn.changes && outsideWork(activation, turn.changes);
  if (!outside) return held;
  return { durable: (held?.durable ?? Promise.resolve()).then(outside), barrier: true };
}

function commitChanges(activation: Activation, turn: Turn): Held | undefined {
  assertCurrent(turn);
  const { commits } = activation.state;
  const { changes } = turn;
  const pending = commits?.pending();
  if (!changes) return pending && { durable: pending, barrier: false };
  const writes = writesOf(turn, changes);
  if (writes.writes.length === 0 && changes.messages.length === 0 && !changes.deleted) {
    const apply = (): void => applyTimers(activation, changes);
    if (pending)
      return { durable: changes.timers.size > 0 ? pending.then(apply) : pending, barrier: false };
    apply();
    return undefined;
  }
  const ownership = activation.state.claimed();
  const isAlone =
    !ownership || changes.deleted || turn.call.kind === 'reminder' || commits?.full === true;
  return isAlone
    ? { durable: commitAlone(activation, turn, changes, writes, pending), barrier: true }
    : { durable: activation.state.queue().add(changes, writes, ownership), barrier: false };
}

/** The turn ran on state that was then lost with a failed commit. */
function assertCurrent(turn: Turn): void {
  if (turn.undone) throw turn.undoneError();
}

/** The first commit of an activation, which claims it, and those that nothing may overtake. */
async function commitAlone(
  activation: Activation,
  turn: Turn,
  changes: Changes,
  { cells, writes }: TurnWrites,
  pending: Promise<void> | undefined,
): Promise<void> {
  await pending;
  const ownership = await activation.state.ownership();
  assertCurrent(turn);
  const { parts } = activation;
  const { takesOver } = ownership;
  const row = outboxRow(activation, ownership, changes.messages);
  const conditions = changes.deleted ? ownership.conditionToDelete() : ownership.condition();
  const all: EntryWrite[] = changes.deleted
    ? [...conditions, { kind: 'delete-all' }]
    : [...conditions];
  const cellsAt = all.length;
  all.push(...writes);
  if (row) all.push(outboxWrite(row, parts.clock.now()));
  const etags = await store(activation, all, [changes], row);
  parts.counters.durableTurns++;
  // What the older owner committed last must be sent before what this turn sends.
  if (takesOver && !changes.deleted) await parts.recheckOutbox();
  if (changes.deleted) {
    activation.forgetEverything();
    parts.forget(activation.address);
  } else {
    const now = parts.clock.now();
    ownership.committed(etags[0]);
    cells.forEach(({ cell, json, ttlMs }, i) => {
      cell.committedAs(json, etags[cellsAt + i], ttlMs === undefined ? undefined : now + ttlMs);
    });
    afterCommit(activation, changes);
  }
  if (row) parts.dispatch(row, true);
}

async function store(
  activation: Activation,
  writes: readonly EntryWrite[],
  turns: readonly Changes[],
  row: OutboxRow | undefined,
): Promise<(string | undefined)[]> {
  try {
    return await activation.parts.store.commit(activation.address, writes);
  } catch (error) {
    const isConflict = isTroupeError(error) && error.code === 'CONFLICT';
    if (!isConflict) {
      // It may have been stored all the same: then what it sent and planned must happen.
      for (const changes of turns) armReminders(activation, changes);
      if (row) activation.parts.dispatch(row, false);
    }
    throw await activation.state.commitFailed(error, isConflict);
  }
}

function outboxRow(
  activation: Activation,
  ownership: Ownership,
  messages: readonly OutboxMessage[],
): OutboxRow | undefined {
  if (messages.length === 0) return undefined;
  const first = ownership.numberSends(messages.length);
  const { stream } = ownership;
  return {
    sender: activation.address,
    name: outboxRowName(first, stream),
    stream,
    first,
    messages,
  };
}

function outboxWrite(row: OutboxRow, now: number): EntryWrite {
  return {
    kind: 'set',
    name: row.name,
    json: encodeRow(row),
    index: { name: 'outbox', score: now },
  };
}

function afterCommit(activation: Activation, changes: Changes): void {
  applyTimers(activation, changes);
  armReminders(activation, changes);
}

function armReminders({ parts }: Activation, { reminders }: Changes): void {
  for (const record of reminders.values()) if (record) parts.remindAt(record.retryAt ?? record.due);
}

/** What services outside are told when the commit is durable; undefined when there is nothing for them. */
function outsideWork(activation: Activation, changes: Changes): (() => Promise<void>) | undefined {
  const { reminders, timers } = activation.parts;
  const isForReminders = reminders && (changes.deleted || changes.reminders.size > 0);
  if (!isForReminders && !(timers && changes.timers.size > 0)) return undefined;
  return async () => {
    const actor = activation.address;
    if (reminders && changes.deleted) await reminders.deleteAll(actor.type, actor.id);
    else if (reminders) {
      for (const [name, record] of changes.reminders) {
        await (record ? reminders.set(actor, name, specOf(record)) : reminders.delete(actor, name));
      }
    }
    for (const [name, spec] of changes.timers) await activation.timers.applyServed(name, spec);
  };
}

function applyTimers(activation: Activation, changes: Changes): void {
  if (activation.parts.timers) return;
  for (const [name, spec] of changes.timers) activation.timers.apply(name, spec);
}

/** Turns that are committed by one transaction. */
interface Group {
  readonly ownership: Ownership;
  /** By name: the last write of a row counts. */
  readonly writes: Map<string, EntryWrite>;
  readonly turns: Changes[];
  readonly messages: OutboxMessage[];
  readonly outcome: PromiseWithResolvers<void>;
}

/** The commits of one activation: at most one on its way, and the turns that gather for the next. */
export class CommitQueue {
  readonly #activation: Activation;
  #inFlight: Group | undefined;
  #next: Group | undefined;
  /** What is on its way has failed, and its turns are being told. */
  #isLost = false;

  constructor(activation: Activation) {
    this.#activation = activation;
  }

  get full(): boolean {
    return (this.#next?.turns.length ?? 0) >= MAX_TURNS;
  }

  /** Settles when everything taken in so far is durable; undefined when it is. */
  pending(): Promise<void> | undefined {
    return (this.#next ?? this.#inFlight)?.outcome.promise;
  }

  /** Memory was thrown away: what is on its way is no state to build on any more. */
  lose(): void {
    this.#isLost = this.pending() !== undefined;
  }

  /** A row as it will be; undefined when no commit on its way writes it. */
  find(name: string): StoredEntry | undefined {
    if (this.#isLost) return undefined;
    const write = this.#next?.writes.get(name) ?? this.#inFlight?.writes.get(name);
    if (!write) return undefined;
    return write.kind === 'set' ? { name, json: write.json } : { name };
  }

  add(changes: Changes, { cells, writes }: TurnWrites, ownership: Ownership): Promise<void> {
    const group = this.#inFlight ? (this.#next ??= createGroup(ownership)) : createGroup(ownership);
    const now = this.#activation.now();
    for (const { cell, json, ttlMs } of cells) {
      cell.committedAs(json, undefined, ttlMs === undefined ? undefined : now + ttlMs);
    }
    for (const write of writes) if ('name' in write) group.writes.set(write.name, write);
    group.turns.push(changes);
    group.messages.push(...changes.messages);
    if (!this.#inFlight) void this.#submit(group);
    return group.outcome.promise;
  }

  /** Never rejects: the outcome goes to the turns of the group. */
  async #submit(group: Group): Promise<void> {
    this.#inFlight = group;
    const { parts } = this.#activation;
    const { ownership, turns, outcome } = group;
    try {
      const row = outboxRow(this.#activation, ownership, group.messages);
      const writes = [...ownership.condition(), ...group.writes.values()];
      if (row) writes.push(outboxWrite(row, parts.clock.now()));
      const etags = await store(this.#activation, writes, turns, row);
      ownership.committed(etags[0]);
      this.#inFlight = undefined;
      const next = this.#next;
      this.#next = undefined;
      if (next) void this.#submit(next);
      parts.counters.durableTurns += turns.length;
      for (const changes of turns) afterCommit(this.#activation, changes);
      if (row) parts.dispatch(row, true);
      outcome.resolve();
    } catch (error) {
      const next = this.#next;
      this.#inFlight = undefined;
      this.#next = undefined;
      this.#isLost = false;
      outcome.reject(error);
      next?.outcome.reject(error);
    }
  }
}

function createGroup(ownership: Ownership): Group {
  const outcome = Promise.withResolvers<void>();
  // Every turn of the group hears of a failure by its own await.
  outcome.promise.catch(() => {});
  return { ownership, writes: new Map(), turns: [], messages: [], outcome };
}
