/** The blocks of the differential test, in the order in which they run. */
import type { Block } from '../case.ts';
import { actors } from './actors.ts';
import { events } from './events.ts';
import { invoke } from './invoke.ts';
import { others } from './others.ts';
import { state } from './state.ts';

export const BLOCKS: readonly Block[] = [...state, ...events, ...invoke, ...actors, ...others];
