/**
 * Finds call chains that wait for each other inside one process. A turn waits
 * for the calls it made; a call waits for the turns that run on the actor in
 * whose mailbox it stands. A cycle in that graph never ends by itself.
 */
import type { Call } from './call.ts';
import type { Turn } from './turn.ts';

/**
 * Called when `call` was just queued. Gives the queued calls of a cycle that
 * `call` closes, itself first, or nothing.
 */
export function findWaitCycle(call: Call): Call[] | undefined {
  const ancestors = new Set<Turn>();
  // A turn that is over waits for nothing, although calls that it did not await go on.
  for (let turn = call.parent; turn && !turn.closed; turn = turn.call.parent) ancestors.add(turn);
  const seen = new Set<Turn>();

  function visitCall(waiting: Call, path: Call[]): Call[] | undefined {
    const isQueued = waiting.queuedIn !== undefined || waiting.queuedInside !== undefined;
    const here = isQueued ? [...path, waiting] : path;
    for (const turn of blockersOf(waiting)) {
      if (ancestors.has(turn)) return here;
      if (turn.closed || seen.has(turn)) continue;
      seen.add(turn);
      for (const child of turn.children()) {
        const cycle = visitCall(child, here);
        if (cycle) return cycle;
      }
    }
    return undefined;
  }

  return call.parent ? visitCall(call, []) : undefined;
}

/** The turns that must end before the call has its answer. */
function blockersOf({ queuedIn, queuedInside, turn }: Call): Iterable<Turn> {
  if (queuedIn) return queuedIn.mailbox.running();
  const blocker = queuedInside ? queuedInside.inner : turn;
  return blocker ? [blocker] : [];
}

/** Of a cycle, the call whose chain began last. */
export function youngest(cycle: readonly Call[]): Call {
  return cycle.reduce((a, b) => ((b.parent?.age ?? 0) > (a.parent?.age ?? 0) ? b : a));
}
