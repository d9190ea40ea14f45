/**
 * What a camera knows, on disk, so that a process that was killed goes on where
 * it was: the state and the background, with the numbers of the last events. A
 * file that is replaced as a whole. It holds the learned background, which is a
 * picture: it never leaves the store.
 */
import { mkdir, open, readFile, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { readRecords, recordOf } from './segment.ts';
import { watchBytes, type CameraSettings, type WatchState } from './messages.ts';
import type { LaneName } from './report.ts';

export interface Checkpoint {
  readonly state: WatchState;
  readonly origin: number;
  readonly settings: CameraSettings;
  readonly version: number;
  /** Numbers of the last events. */
  readonly seq: Readonly<Record<LaneName, number>>;
}

export async function saveCheckpoint(
  path: string,
  checkpoint: Checkpoint,
  memory: SharedArrayBuffer,
): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const file = await open(`${path}.new`, 'w');
  try {
    await file.write(recordOf(Buffer.from(JSON.stringify(checkpoint))));
    await file.write(recordOf(new Uint8Array(memory.slice(0))));
    await file.datasync();
  } finally {
    await file.close();
  }
  await rename(`${path}.new`, path);
}

/** Undefined when there is none that is whole. */
export async function loadCheckpoint(
  path: string,
): Promise<{ checkpoint: Checkpoint; memory: SharedArrayBuffer } | undefined> {
  const bytes = await readFile(path).catch(() => undefined);
  const [head, body] = bytes ? readRecords(bytes).payloads : [];
  if (!head || body?.length !== watchBytes()) return undefined;
  const memory = new SharedArrayBuffer(watchBytes());
  new Uint8Array(memory).set(body);
  return { checkpoint: JSON.parse(Buffer.from(head).toString()) as Checkpoint, memory };
}
