/** The behaviours on the official daprd, its placement and its scheduler: one set of them for all rows. */
import { afterAll, beforeAll } from 'vitest';
import { ROWS } from '../runtimes/behaviour/rows.ts';
import { behavioursOn } from '../runtimes/behaviour/suite.ts';
import { startDaprSet, type DaprSet } from '../servers/dapr-set.ts';

let set: DaprSet;

beforeAll(async () => {
  set = await startDaprSet();
});

afterAll(() => set?.[Symbol.asyncDispose]());

for (const row of ROWS) if (row.needsDapr) behavioursOn(row, () => set);
