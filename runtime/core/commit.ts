/**
 * Turns what a turn wants to change into one conditional transaction, and
 * brings memory in line once it is durable. Nothing else writes actor state.
 */
import type { Activation } from './activation.ts';
import { toJson } from './codec.ts';
import { isTroupeError, TroupeError } from './errors.ts';
import { encodeRow, outboxRowName, type OutboxRow } from './outbox-row.ts';
import type { EntryWrite, ReminderRecord } from './ports.ts';
import type { StateCell } from './state-cell.ts';
import type { Changes, Turn } from './turn.ts';

export const REMINDER = '$reminder||';
export const INBOX = '$inbox||';
const INBOX_WINDOW_MS = 7 * 86_400_000;

interface CellChange {
  readonly cell: StateCell<unknown>;
  readonly json: string | undefined;
  readonly ttlMs: number | undefined;
  /** Position in the list of writes. */
  readonly at: number;
}

/** Commits the turn's changes; resolves when they are durable. A turn without changes commits nothing. */
export async function commitTurn(activation: Activation, turn: Turn): Promise<void> {
  const { changes } = turn;
  if (!changes) return;
  const writes: EntryWrite[] = [];
  const cells = changes.deleted ? [] : cellWrites(changes, writes);
  const isWriting = cells.length > 0 || changes.reminders.size > 0 || changes.messages.length > 0;
  if (turn.readOnly && (isWriting || changes.deleted || changes.timers.size > 0)) {
    throw new TroupeError(
      'READ_ONLY',
      `${turn.describe()} is declared read-only but changed ${changedNames(changes, cells)}`,
    );
  }
  if (!isWriting && !changes.deleted && !turn.once) {
    applyTimers(activation, changes);
    return;
  }
  await write(activation, turn, changes, cells, writes);
}

async function write(
  activation: Activation,
  turn: Turn,
  changes: Changes,
  cells: readonly CellChange[],
  writes: EntryWrite[],
): Promise<void> {
  const ownership = await activation.state.ownership();
  const { parts } = activation;
  const now = parts.clock.now();
  const sends = changes.messages.length;
  const first = sends > 0 ? ownership.numberSends(sends) : 0;
  const conditions = changes.deleted ? ownership.conditionToDelete() : ownership.condition();
  if (changes.deleted) writes.push({ kind: 'delete-all' });
  else reminderWrites(changes, writes);
  if (turn.once) {
    const { key, stream, seq, windowMs } = turn.once;
    writes.push({
      kind: 'set',
      name: INBOX + key,
      json: JSON.stringify({ s: stream, n: seq }),
      ttlMs: windowMs ?? INBOX_WINDOW_MS,
    });
  }
  let row: OutboxRow | undefined;
  if (sends > 0) {
    row = {
      sender: activation.address,
      name: outboxRowName(first, ownership.stream),
      stream: ownership.stream,
      first,
      messages: changes.messages,
    };
    writes.push({
      kind: 'set',
      name: row.name,
      json: encodeRow(row),
      index: { name: 'outbox', score: now },
    });
  }
  let etags: (string | undefined)[];
  try {
    etags = await parts.store.commit(activation.address, [...conditions, ...writes]);
  } catch (error) {
    throw await activation.state.commitFailed(
      error,
      isTroupeError(error) && error.code === 'CONFLICT',
    );
  }
  parts.counters.durableTurns++;
  if (changes.deleted) {
    activation.forgetEverything();
    parts.forget(activation.address);
  } else {
    ownership.committed(etags[0]);
    for (const { cell, json, ttlMs, at } of cells) {
      cell.committedAs(
        json,
        etags[conditions.length + at],
        ttlMs === undefined ? undefined : now + ttlMs,
      );
    }
    applyTimers(activation, changes);
    for (const record of changes.reminders.values())
      if (record) parts.remindAt(record.retryAt ?? record.due);
  }
  if (row) parts.dispatch(row);
}

function cellWrites(changes: Changes, writes: EntryWrite[]): CellChange[] {
  const cells: CellChange[] = [];
  for (const [cell, draft] of changes.drafts) {
    const json = toJson(draft.value);
    const isUntouched = json === draft.before;
    if (draft.intent === 'delete' && isUntouched) {
      if (cell.loaded && cell.json === undefined) continue;
      cells.push({ cell, json: undefined, ttlMs: undefined, at: writes.length });
      writes.push({ kind: 'delete', name: cell.name });
      continue;
    }
    if (draft.intent === 'keep' && isUntouched) continue;
    if (json === undefined) {
      throw new TroupeError(
        'INVALID_ARGUMENT',
        `state "${cell.name}" became undefined, which cannot be stored; use delete()`,
      );
    }
    const { ttlMs } = draft;
    cells.push({ cell, json, ttlMs, at: writes.length });
    writes.push({ kind: 'set', name: cell.name, json, ttlMs });
  }
  return cells;
}

function reminderWrites(changes: Changes, writes: EntryWrite[]): void {
  for (const [name, record] of changes.reminders) writes.push(reminderWrite(name, record));
}

function reminderWrite(name: string, record: ReminderRecord | null): EntryWrite {
  if (!record) return { kind: 'delete', name: REMINDER + name, index: 'due' };
  return {
    kind: 'set',
    name: REMINDER + name,
    json: JSON.stringify(record),
    index: { name: 'due', score: record.retryAt ?? record.due },
  };
}

function applyTimers(activation: Activation, changes: Changes): void {
  for (const [name, spec] of changes.timers) activation.applyTimer(name, spec);
}

function changedNames(changes: Changes, cells: readonly CellChange[]): string {
  const names = cells.map(({ cell }) => `state "${cell.name}"`);
  for (const name of changes.reminders.keys()) names.push(`reminder "${name}"`);
  for (const name of changes.timers.keys()) names.push(`timer "${name}"`);
  if (changes.messages.length > 0) names.push('the outbox');
  if (changes.deleted) names.push('the actor itself');
  return names.join(', ');
}
