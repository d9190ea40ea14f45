/**
 * Runs one turn from its start to its answer: activation, duplicates, the
 * method or hook with its interceptors, the commit, and what a throw means for
 * the instance.
 */
import type { Activation } from './activation.ts';
import { type Call, callerOf } from './call.ts';
import { copyOf, type LocalValue } from './codec.ts';
import { commitTurn, INBOX } from './commit.ts';
import { isActorError, isTroupeError, toWireError, fromWireError, TroupeError } from './errors.ts';
import { intercept } from './interceptors.ts';
import { afterFailure, afterFiring } from './reminders.ts';
import type { Firing } from './timers.ts';
import type { Turn } from './turn.ts';

/** Never rejects: the outcome goes to the call. */
export async function runTurn(activation: Activation, turn: Turn): Promise<void> {
  const { call } = turn;
  const { parts } = activation;
  parts.counters.activity++;
  try {
    const isPlain =
      activation.activated &&
      call.kind === 'method' &&
      !call.once &&
      parts.interceptors.length === 0;
    const value: unknown = await parts.scope.run(
      turn,
      isPlain ? invoke : prepare,
      activation,
      turn,
    );
    const answer = copyOf(value);
    if (!turn.enclosing && turn.changes) await commitTurn(activation, turn);
    call.resolve(answer);
  } catch (error) {
    fail(activation, turn, error);
  }
  parts.counters.activity++;
  activation.finish(turn);
}

function invoke(activation: Activation, { call }: Turn): unknown {
  return activation.instance().invoke(call.method, call.payload);
}

async function prepare(activation: Activation, turn: Turn): Promise<unknown> {
  const { call } = turn;
  if (call.once && (await isDuplicate(activation, call))) {
    activation.parts.counters.duplicates++;
    return undefined;
  }
  if (call.once) {
    turn.once = call.once;
    turn.mutable();
  }
  if (!activation.activated) await activate(activation, turn);
  if (call.kind === 'system')
    return ((call.payload as LocalValue).value as (turn: Turn) => unknown)(turn);
  const { interceptors } = activation.parts;
  if (interceptors.length === 0) return run(activation, turn);
  const caller = callerOf(call);
  const intercepted = {
    actor: activation.address,
    method: call.method,
    kind: call.kind,
    caller,
    headers: { ...call.headers },
  };
  return intercept(interceptors, 'incoming', intercepted, async () => run(activation, turn));
}

async function activate(activation: Activation, turn: Turn): Promise<void> {
  const { onActivate } = activation.instance();
  if (onActivate) {
    const { readOnly } = turn;
    turn.readOnly = false;
    await onActivate();
    turn.readOnly = readOnly;
    // A read-only method may not commit, so what onActivate changed goes first.
    if (readOnly && turn.changes) {
      turn.readOnly = false;
      await commitTurn(activation, turn);
      turn.changes = undefined;
      turn.readOnly = true;
    }
  }
  activation.activated = true;
}

function run(activation: Activation, turn: Turn): unknown {
  const { call } = turn;
  const instance = activation.instance();
  switch (call.kind) {
    case 'method':
      return instance.invoke(call.method, call.payload);
    case 'timer': {
      const { firing, method } = (call.payload as LocalValue).value as {
        firing: Firing;
        method?: string;
      };
      if (method !== undefined) return instance.invoke(method, copyOf(firing.data));
      if (instance.onTimer) return instance.onTimer(firing);
      throw new TroupeError(
        'METHOD_NOT_FOUND',
        `timer "${firing.name}" names no method and ${call.type} has no onTimer`,
      );
    }
    case 'reminder':
      return remind(activation, turn);
    case 'system':
      return undefined;
    default:
      return call.kind satisfies never;
  }
}

async function remind(activation: Activation, turn: Turn): Promise<undefined> {
  const { call } = turn;
  const { counters, logger } = activation.parts;
  const record = await activation.state.readReminder(call.method);
  const now = activation.now();
  if (!record || (record.retryAt ?? record.due) > now) return;
  const { name, due, data } = record;
  if (record.expires !== undefined && now > record.expires) {
    turn.mutable().reminders.set(name, null);
    return;
  }
  const instance = activation.instance();
  try {
    if (!instance.onReminder)
      throw new TroupeError(
        'METHOD_NOT_FOUND',
        `${call.type} has reminder "${name}" but no onReminder`,
      );
    await instance.onReminder({ name, data, due });
    const { reminders } = turn.mutable();
    if (!reminders.has(name)) reminders.set(name, afterFiring(record, now));
    counters.remindersFired++;
  } catch (error) {
    counters.reminderFailures++;
    logger.warn(
      { actor: activation.address, reminder: name, failures: record.failures + 1, err: error },
      'reminder failed, will be tried again',
    );
    turn.changes = undefined;
    turn.mutable().reminders.set(name, afterFailure(record, now));
    if (!isTroupeError(error)) activation.dropInstance();
  }
}

async function isDuplicate(activation: Activation, call: Call): Promise<boolean> {
  const { key, stream, seq } = call.once!;
  const row = await activation.state.readRow(INBOX + key);
  if (!activation.parts.dedupe || row.json === undefined) return false;
  const seen = JSON.parse(row.json) as { s: string; n: number };
  return seen.s === stream && seen.n >= seq;
}

function fail(activation: Activation, turn: Turn, error: unknown): void {
  const { call } = turn;
  if (turn.enclosing) turn.rollBackToSavepoint();
  else turn.changes = undefined;
  if (!isTroupeError(error)) {
    activation.parts.logger.error(
      { actor: activation.address, method: call.method, err: error },
      'actor threw an unexpected error, its instance is dropped',
    );
    activation.dropInstance();
  } else if (!isActorError(error) && error.code === 'INTERNAL') {
    activation.parts.logger.error(
      { actor: activation.address, method: call.method, err: error },
      'turn failed inside the runtime',
    );
  }
  call.reject(portable(error, call));
}

/** The error as it would look to a caller on the other side of a wire; the stack stays for whoever debugs here. */
function portable(error: unknown, call: Call): TroupeError {
  const wire = toWireError(error, `${call.type}/${call.id} ${call.method}`);
  const at = {
    actor: wire.actor ?? { type: call.type, id: call.id },
    method: wire.method ?? call.method,
  };
  let details: unknown;
  try {
    details = copyOf(wire.details).value;
  } catch {
    details = undefined;
  }
  const copy = fromWireError({ ...wire, ...at, details });
  if (isTroupeError(error) && error.stack !== undefined) copy.stack = error.stack;
  return copy;
}
