/** From what a turn changed to the rows that its commit writes. */
import { toJson } from './codec.ts';
import { TroupeError } from './errors.ts';
import type { EntryWrite, Once, ReminderRecord } from './ports.ts';
import type { StateCell } from './state-cell.ts';
import type { Changes, Turn } from './turn.ts';

export const REMINDER = '$reminder||';
export const INBOX = '$inbox||';
const INBOX_WINDOW_MS = 7 * 86_400_000;

export interface CellChange {
  readonly cell: StateCell<unknown>;
  readonly json: string | undefined;
  readonly ttlMs: number | undefined;
}

export interface TurnWrites {
  readonly cells: readonly CellChange[];
  /** State, reminders, and the mark of the durable send that the turn took in. */
  readonly writes: readonly EntryWrite[];
}

/**
 * The writes of a turn, none when it changed nothing that is stored. Errors:
 * READ_ONLY for a read-only turn that changed something, INVALID_ARGUMENT for
 * state that cannot be encoded.
 */
export function writesOf(turn: Turn, changes: Changes): TurnWrites {
  const cells = changes.deleted ? [] : cellChanges(changes);
  const writes = cells.map(cellWrite);
  const isWriting = cells.length > 0 || changes.reminders.size > 0 || changes.messages.length > 0;
  if (turn.readOnly && (isWriting || changes.deleted || changes.timers.size > 0)) {
    throw new TroupeError(
      'READ_ONLY',
      `${turn.describe()} is declared read-only but changed ${changedNames(changes, cells)}`,
    );
  }
  if (!changes.deleted && !turn.activation.parts.reminders) {
    for (const [name, record] of changes.reminders) writes.push(reminderWrite(name, record));
  }
  if (turn.once) writes.push(inboxWrite(turn.once));
  return { cells, writes };
}

function cellChanges(changes: Changes): CellChange[] {
  const cells: CellChange[] = [];
  for (const [cell, draft] of changes.drafts) {
    const json = toJson(draft.value);
    const isUntouched = json === draft.before;
    if (draft.intent === 'delete' && isUntouched) {
      if (!cell.loaded || cell.json !== undefined)
        cells.push({ cell, json: undefined, ttlMs: undefined });
      continue;
    }
    if (draft.intent === 'keep' && isUntouched) continue;
    if (json === undefined) {
      throw new TroupeError(
        'INVALID_ARGUMENT',
        `state "${cell.name}" became undefined, which cannot be stored; use delete()`,
      );
    }
    cells.push({ cell, json, ttlMs: draft.ttlMs });
  }
  return cells;
}

function cellWrite({ cell: { name }, json, ttlMs }: CellChange): EntryWrite {
  return json === undefined ? { kind: 'delete', name } : { kind: 'set', name, json, ttlMs };
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

function inboxWrite({ key, stream, seq, windowMs }: Once): EntryWrite {
  return {
    kind: 'set',
    name: INBOX + key,
    json: JSON.stringify({ s: stream, n: seq }),
    ttlMs: windowMs ?? INBOX_WINDOW_MS,
  };
}

function changedNames(changes: Changes, cells: readonly CellChange[]): string {
  const names = cells.map(({ cell }) => `state "${cell.name}"`);
  for (const name of changes.reminders.keys()) names.push(`reminder "${name}"`);
  for (const name of changes.timers.keys()) names.push(`timer "${name}"`);
  if (changes.messages.length > 0) names.push('the outbox');
  if (changes.deleted) names.push('the actor itself');
  return names.join(', ');
}
