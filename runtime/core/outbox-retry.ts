/** When an outbox message is tried again, and which answers count as a refusal. */
import { isActorError, isTroupeError, type ErrorCode } from './errors.ts';

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 60_000;

/** Errors of the runtime that the same message would meet again. */
const FINAL = new Set<string>([
  'INVALID_ARGUMENT',
  'NOT_FOUND',
  'METHOD_NOT_FOUND',
  'READ_ONLY',
  'FORBIDDEN',
  'UNSUPPORTED',
] satisfies ErrorCode[]);

/** The receiver said no; everything else may be the trouble of a moment. */
export function isRefusal(error: unknown): boolean {
  if (!isTroupeError(error) || error.retryable) return false;
  return isActorError(error) || FINAL.has(error.code);
}

/** Milliseconds to wait after this many tries that failed in a row. */
export function pauseBefore(tries: number): number {
  return Math.min(FIRST_PAUSE_MS * 2 ** Math.min(tries, 20), LONGEST_PAUSE_MS);
}
