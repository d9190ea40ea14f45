/** The store of durable contenders. */
import { join } from 'node:path';
import { component, type ComponentSpec } from 'troupe';
import type { ScratchFolder } from '../harness/scratch.ts';

/** Actor state in a SQLite file of the folder, synced at every commit, as in dapr/components. */
export function sqliteIn(folder: ScratchFolder): readonly ComponentSpec[] {
  const connectionString = join(folder.path, 'state.db');
  return [component('statestore', 'state.sqlite', { connectionString, actorStateStore: 'true' })];
}
