/**
 * Runs one turn from its start to its answer: activation, duplicates, the
 * method or hook with its interceptors, the commit, and what a throw means for
 * the instance.
 */
import type { Activation } from './activation.ts';
import { type Call, callerOf } from './call.ts';
import { answerOf, copyOf, type LocalValue } from './codec.ts';
import { commitTurn, type Held } from './commit.ts';
import { isActorError, isTroupeError, toWireError, fromWireError, TroupeError } from './errors.ts';
import { intercept } from './interceptors.ts';
import { afterFailure } from './reminders.ts';
import type { Firing } from './timers.ts';
import type { Turn } from './turn.ts';
import { broughtBy, countFailure, FIRED, remind } from './turn-reminder.ts';
import { INBOX } from './turn-writes.ts';

/** Never rejects: the outcome goes to the call. */
export async function runTurn(activation: Activation, turn: Turn): Promise<void> {
  const { call } = turn;
  const { parts } = activation;
  parts.counters.activity++;
  const isOutside = activation.host.target.outside === true;
  let hasLeft = false;
  let hasRun = false;
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
    const answer = answerOf(value);
    if (turn.inner) {
      // An app outside has answered, whatever it still has under way.
      if (isOutside && call.kind === 'method') call.resolve(answer);
      await turn.alone();
    }
    // What is started now is too late for the commit, so it is refused from here on.
    turn.closed = true;
    hasRun = true;
    const held = turn.enclosing ? undefined : commitOf(activation, turn);
    if (held && !held.barrier) {
      hasLeft = true;
      activation.leave(turn);
    }
    if (held) await held.durable;
    if (call.kind === 'reminder' && value === FIRED) {
      parts.counters.remindersFired++;
      parts.told.reminderFired(call.type, true);
    }
    call.resolve(answer);
  } catch (error) {
    if (turn.inner) {
      if (isOutside && call.kind === 'method') call.reject(portable(error, call));
      await turn.alone();
    }
    turn.closed = true;
    if (!hasLeft) discard(activation, turn, error);
    if (call.kind === 'reminder' && (await putOff(activation, turn, error))) {
      call.resolve(copyOf(undefined));
    } else {
      if (call.kind === 'reminder' && broughtBy(call)) countFailure(activation, call.method, error);
      const pending = hasLeft || turn.enclosing ? undefined : activation.state.commits?.pending();
      if (pending) {
        hasLeft = true;
        activation.leave(turn);
      }
      const isLost = !hasRun && turn.undone && !isPassing(error);
      call.reject(
        portable(isLost ? turn.undoneError() : await errorThatHolds(error, pending), call),
      );
    }
  }
  parts.counters.activity++;
  if (hasLeft) activation.answered();
  else activation.finish(turn);
}

/** An actor outside commits beside its turns as well, so its turns take their place among those. */
function commitOf(activation: Activation, turn: Turn): Held | undefined {
  if (turn.isBeside || !activation.host.target.outside) return commitTurn(activation, turn);
  if (!turn.changes && !turn.beforeCommit) return undefined;
  const durable = activation.order.run(async () => {
    await turn.beforeCommit?.();
    await commitTurn(activation, turn)?.durable;
  });
  return { durable, barrier: true };
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
  if (!activation.activated && !activation.activating && !turn.isBeside) {
    await activate(activation, turn);
  }
  if (call.once) {
    turn.once = call.once;
    turn.mutable();
  }
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
    // What an interceptor adds goes on with what the turn calls.
    headers: (call.headers = { ...call.headers }),
  };
  return intercept(interceptors, 'incoming', intercepted, async () => run(activation, turn));
}

async function activate(activation: Activation, turn: Turn): Promise<void> {
  const { onActivate } = activation.instance();
  if (onActivate) {
    const { readOnly } = turn;
    turn.readOnly = false;
    activation.activating = true;
    try {
      await onActivate();
    } catch (error) {
      activation.dropInstance();
      throw error;
    } finally {
      activation.activating = false;
      turn.readOnly = readOnly;
    }
    // A read-only method may not commit, so what onActivate changed goes first.
    if (readOnly && turn.changes) {
      turn.readOnly = false;
      await commitTurn(activation, turn)?.durable;
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
      const isOutside = activation.host.target.outside === true;
      if (method !== undefined && !isOutside) return instance.invoke(method, copyOf(firing.data));
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

/** The same firing again after a pause, whatever failed: handler, activation, interceptor or commit. False: that could not be stored. */
async function putOff(activation: Activation, turn: Turn, error: unknown): Promise<boolean> {
  if (isTroupeError(error) && error.code === 'FENCED') return false;
  if (broughtBy(turn.call)) return false;
  const { counters, told, logger } = activation.parts;
  const name = turn.call.method;
  try {
    const record = await activation.state.readReminder(name);
    const now = activation.now();
    if (!record || (record.retryAt ?? record.due) > now) return true;
    turn.mutable().reminders.set(name, afterFailure(record, now));
    turn.beforeCommit = undefined;
    await commitOf(activation, turn)?.durable;
    counters.reminderFailures++;
    told.reminderFired(activation.type, false);
    logger.warn(
      { actor: activation.address, reminder: name, failures: record.failures + 1, err: error },
      'reminder failed, will be tried again',
    );
    return true;
  } catch (cause) {
    logger.warn(
      { actor: activation.address, reminder: name, err: cause },
      'a failed reminder could not be put off',
    );
    return false;
  }
}

async function isDuplicate(activation: Activation, call: Call): Promise<boolean> {
  const { key, stream, seq } = call.once!;
  const row = await activation.state.readRow(INBOX + key);
  if (!activation.parts.dedupe || row.json === undefined) return false;
  const seen = JSON.parse(row.json) as { s: string; n: number };
  return seen.s === stream && seen.n >= seq;
}

/** The runtime's own word on whether the caller may try again; it tells nothing of state. */
function isPassing(error: unknown): boolean {
  return (
    isTroupeError(error) && !isActorError(error) && (error.retryable || error.code === 'FENCED')
  );
}

/** An error is an answer too: it may tell of state that is not durable yet. What ends that state takes its place. */
async function errorThatHolds(
  error: unknown,
  pending: Promise<void> | undefined,
): Promise<unknown> {
  try {
    await pending;
    return error;
  } catch (lost) {
    return lost;
  }
}

/** The turn failed: its changes are gone, and its instance too unless the error is one that actors throw on purpose. */
function discard(activation: Activation, turn: Turn, error: unknown): void {
  const { call } = turn;
  if (turn.enclosing) turn.rollBackToSavepoint();
  else turn.changes = undefined;
  if (!isTroupeError(error)) {
    activation.parts.logger.error(
      { actor: activation.address, method: call.method, err: error },
      'actor threw an unexpected error, its instance is dropped',
    );
    if (!activation.host.target.outside) activation.dropInstance();
  } else if (!isActorError(error) && error.code === 'INTERNAL') {
    activation.parts.logger.error(
      { actor: activation.address, method: call.method, err: error },
      'turn failed inside the runtime',
    );
  }
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
