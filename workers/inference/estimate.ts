/**
 * How long a batch of so many rows will take: a fixed part and a part for each
 * row, fitted to the batches of late by least squares with forgetting.
 */

export interface Estimate {
  learn(rows: number, ms: number): void;
  /** Milliseconds; 0 before anything was learnt. */
  batch(rows: number): number;
}

/** Weight that an observation keeps when the next one comes. */
const KEEP = 0.98;

export function createEstimate(): Estimate {
  let weight = 0;
  let sumRows = 0;
  let sumMs = 0;
  let sumRowsRows = 0;
  let sumRowsMs = 0;
  let fixed = 0;
  let each = 0;
  return {
    learn(rows, ms) {
      weight = weight * KEEP + 1;
      sumRows = sumRows * KEEP + rows;
      sumMs = sumMs * KEEP + ms;
      sumRowsRows = sumRowsRows * KEEP + rows * rows;
      sumRowsMs = sumRowsMs * KEEP + rows * ms;
      const spread = weight * sumRowsRows - sumRows * sumRows;
      const slope = spread > 1e-9 ? (weight * sumRowsMs - sumRows * sumMs) / spread : 0;
      // Neither part of a real cost is negative; a fit over few sizes may say so.
      each = Math.max(0, Math.min(slope, sumMs / sumRows));
      fixed = Math.max(0, (sumMs - each * sumRows) / weight);
    },
    batch: (rows) => (rows > 0 ? fixed + each * rows : 0),
  };
}
