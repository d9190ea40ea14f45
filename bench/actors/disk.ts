/** Folders for durable contenders: made on the disk that was asked for, and removed after. */
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { component, type ComponentSpec } from 'troupe';

export interface ScratchFolder extends AsyncDisposable {
  readonly path: string;
}

export async function scratch(dir: string): Promise<ScratchFolder> {
  const path = await mkdtemp(join(dir, 'troupe-bench-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

/** Actor state in a SQLite file of the folder, synced at every commit, as in dapr/components. */
export function sqliteIn(folder: ScratchFolder): readonly ComponentSpec[] {
  const connectionString = join(folder.path, 'state.db');
  return [component('statestore', 'state.sqlite', { connectionString, actorStateStore: 'true' })];
}
