/** Runs before every test file: vitest's own patience of one second is none on a machine that does much else. */
import { vi } from 'vitest';
import { PATIENCE_MS } from './patience.ts';

const { waitFor } = vi;
const patiently: typeof waitFor = (condition, options = {}) => {
  const given = typeof options === 'number' ? { timeout: options } : options;
  return waitFor(condition, { timeout: PATIENCE_MS, interval: 10, ...given });
};
// The files of one process share `vi`, and the first has done it for all.
if (waitFor.name !== patiently.name) vi.waitFor = patiently;
