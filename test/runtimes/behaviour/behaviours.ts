/**
 * What an actor and its callers can see of a runtime, each shown once for every
 * row of rows.ts. A row that cannot show it names the limit and its source; the
 * page docs/reference/runtimes.md is made of this list.
 */
import type { Behaviour } from './behaviour.ts';
import { CALLS } from './calls.ts';
import { SENDS } from './sends.ts';
import { TIMES } from './times.ts';
import { TURNS } from './turns.ts';

export const BEHAVIOURS: readonly Behaviour[] = [...TURNS, ...TIMES, ...CALLS, ...SENDS];
