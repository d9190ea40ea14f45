/** Whether a call that failed on its way may look for its owner again, and when. */
import type { Call } from './call.ts';
import { isTroupeError } from './errors.ts';

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 1000;
export const MOST_MOVES = 8;

/** A host that does not own the actor, or could not be reached, has begun with nothing. */
function isUnstarted(error: unknown): boolean {
  if (!isTroupeError(error) || !error.retryable) return false;
  if (error.code === 'MOVED' || error.code === 'NOT_FOUND') return true;
  return (error.details as { started?: unknown } | undefined)?.started === false;
}

/** Milliseconds before the next try after `moves` of them. */
export function movePause(moves: number): number {
  return Math.min(FIRST_PAUSE_MS * 2 ** moves, LONGEST_PAUSE_MS);
}

/** Milliseconds; undefined: it may have started, or has looked long enough. A forwarded call is its sender's to place. */
export function pauseBeforeMove(call: Call, error: unknown): number | undefined {
  if (!isUnstarted(error) || call.isForwarded || call.moves >= MOST_MOVES) return undefined;
  call.isAway = false;
  return movePause(call.moves++);
}
