/** The few statistics that benchmarks print. */

/** The value below which `percent` of the sorted values lie (nearest rank). NaN for no values. */
export function percentile(sorted: ArrayLike<number>, percent: number): number {
  const rank = Math.ceil((percent / 100) * sorted.length);
  return sorted[Math.max(0, rank - 1)] ?? Number.NaN;
}

/** The middle value; of an even number of values, the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

/** The median of what `pick` gives, leaving out rounds that do not have the figure. */
export function medianOf<T>(rounds: readonly T[], pick: (round: T) => number | undefined): number {
  return median(rounds.map(pick).filter((value) => value !== undefined));
}
