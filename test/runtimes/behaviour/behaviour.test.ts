/** The behaviours on every runtime that needs nothing installed; test/compat has the others. */
import { ROWS } from './rows.ts';
import { behavioursOn } from './suite.ts';

for (const row of ROWS) if (!row.needsDapr) behavioursOn(row);
