/** The tasks that come with Troupe, as a thread of the pool loads them. */
import type { Task, TaskName } from '../protocol.ts';
import { watch } from './edge/watch.ts';
import { plan } from './routing/plan.ts';

export const tasks: { readonly [Name in TaskName]: Task<Name> } = { plan, watch };
