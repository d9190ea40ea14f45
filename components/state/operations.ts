/**
 * What every state driver does before it touches its backend: refuses
 * operations that no store could carry out, and makes etags. Drivers share it
 * so that the same wrong request gets the same error from each of them.
 */
import { randomBytes } from 'node:crypto';
import { ComponentError } from '../../runtime/core/errors.ts';
import type { RangeQuery, StateOperation } from './contract.ts';

interface Named {
  readonly name: string;
  readonly type: string;
}

/** The last moment that fits Dapr's timestamp text, `9999-12-31`. */
const LAST_MOMENT = 253_402_300_799_000;

/** New etags of one store instance: a random part, so that none repeats after a restart, and a counter. */
export function etagSource(): () => string {
  const instance = `${randomBytes(6).toString('base64url')}.`;
  let counter = 0;
  return () => instance + (counter++).toString(36);
}

/** @throws ComponentError INVALID_ARGUMENT for an empty key or one that is not well-formed Unicode. */
export function requireKey(component: Named, key: string): void {
  if (typeof key !== 'string' || key.length === 0)
    throw invalid(component, 'a state key must be a non-empty text');
  if (!key.isWellFormed())
    throw invalid(component, 'a state key must be well-formed Unicode (it has a lone surrogate)');
}

/** @throws ComponentError INVALID_ARGUMENT naming what is wrong. `now` bounds the ttl. */
export function requireOperation(component: Named, operation: StateOperation): void {
  switch (operation.kind) {
    case 'set':
      requireKey(component, operation.key);
      if (operation.etag !== undefined) requireEtag(component, operation.etag, operation.key);
      if (typeof operation.value === 'string') {
        if (!operation.value.isWellFormed())
          throw invalid(component, `the value of "${operation.key}" is not well-formed Unicode`);
      } else if (!(operation.value instanceof Uint8Array)) {
        throw invalid(component, `the value of "${operation.key}" must be JSON text or bytes`);
      }
      if (operation.ttlSeconds !== undefined) requireTtl(component, operation.ttlSeconds);
      if (operation.index !== undefined && !Number.isFinite(operation.index.score))
        throw invalid(component, `the index score of "${operation.key}" must be a finite number`);
      return;
    case 'delete':
      requireKey(component, operation.key);
      if (operation.etag !== undefined) requireEtag(component, operation.etag, operation.key);
      return;
    case 'check':
      requireKey(component, operation.key);
      if (operation.etag !== null) requireEtag(component, operation.etag, operation.key);
      return;
    case 'delete-prefix':
      if (operation.prefix === '')
        throw invalid(component, 'delete-prefix needs a prefix; an empty one would delete all');
      requireKey(component, operation.prefix);
      return;
  }
  operation satisfies never;
  throw invalid(component, `unknown operation "${String((operation as StateOperation).kind)}"`);
}

function requireEtag(component: Named, etag: string, key: string): void {
  if (typeof etag !== 'string' || etag === '')
    throw invalid(component, `the etag given for "${key}" is empty; no row has such an etag`);
}

function requireTtl(component: Named, seconds: number): void {
  if (!(seconds > 0) || seconds * 1_000 > LAST_MOMENT)
    throw invalid(component, 'ttlSeconds must be a positive number of seconds');
}

/** The moment a row written at `now` with this ttl disappears. */
export function expiryOf(now: number, ttlSeconds: number): number {
  return Math.min(Math.ceil(now + ttlSeconds * 1_000), LAST_MOMENT);
}

/** @throws ComponentError INVALID_ARGUMENT for a limit or a bound that cannot be meant. */
export function requireRange(component: Named, query: RangeQuery): void {
  if (!Number.isSafeInteger(query.limit) || query.limit < 1)
    throw invalid(component, 'a range needs a limit of at least 1');
  if (Number.isNaN(query.maxScore) || Number.isNaN(query.after?.score))
    throw invalid(component, 'a range is bounded by numbers, not NaN');
}

/** The error of a condition that does not hold. */
export function conflict(component: Named, key: string, why: string): ComponentError {
  return new ComponentError(component, `the write was not made: "${key}" ${why}`, {
    code: 'CONFLICT',
    details: { key },
  });
}

/** The error of any use after close. */
export function closedError(component: Named): ComponentError {
  return new ComponentError(component, 'is closed; create it again to use it');
}

/** @throws ComponentError CANCELLED when the caller gave up already. */
export function requireNotAborted(component: Named, signal: AbortSignal | undefined): void {
  if (signal?.aborted)
    throw new ComponentError(component, 'the request was cancelled before it began', {
      code: 'CANCELLED',
      cause: signal.reason,
    });
}

function invalid(component: Named, problem: string): ComponentError {
  return new ComponentError(component, problem, { code: 'INVALID_ARGUMENT' });
}
