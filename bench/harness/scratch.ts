/** Folders for durable contenders: made on the disk that was asked for, and removed after. */
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';

export interface ScratchFolder extends AsyncDisposable {
  readonly path: string;
}

export async function scratch(dir: string): Promise<ScratchFolder> {
  const path = await mkdtemp(join(dir, 'troupe-bench-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}
