/** Which actor a caller calls next: every caller walks all of them, from a place of its own. */

/** Gives the next actor, from 0, of a caller. Steps are coprime to 1,000 and differ, so that callers meet now and then. */
export function spread(callers: number, actors: number): (caller: number) => number {
  const steps = [1, 3, 7, 11, 13, 17, 19, 23];
  const at = Array.from({ length: callers }, (_, caller) =>
    Math.floor((caller * actors) / callers),
  );
  return (caller) => {
    const next = (at[caller]! + steps[caller % steps.length]!) % actors;
    at[caller] = next;
    return next;
  };
}
