/**
 * A file of records, each with its length and checksum before it: what a crash
 * left unfinished at the end is told from what was written.
 */
import { open } from 'node:fs/promises';
import { crc32 } from 'node:zlib';

const HEAD = 8;

export function recordOf(payload: Uint8Array): Buffer {
  const record = Buffer.allocUnsafe(HEAD + payload.length);
  record.writeUInt32LE(payload.length, 0);
  record.writeUInt32LE(crc32(payload), 4);
  record.set(payload, HEAD);
  return record;
}

export interface ReadRecords {
  readonly payloads: Uint8Array[];
  /** Bytes up to the end of the last whole record. */
  readonly whole: number;
}

/** Every record up to the first that is cut off or damaged. */
export function readRecords(file: Uint8Array): ReadRecords {
  const bytes = Buffer.from(file.buffer, file.byteOffset, file.byteLength);
  const payloads: Uint8Array[] = [];
  let at = 0;
  while (at + HEAD <= bytes.length) {
    const length = bytes.readUInt32LE(at);
    const end = at + HEAD + length;
    if (length === 0 || end > bytes.length) break;
    const payload = bytes.subarray(at + HEAD, end);
    if (crc32(payload) !== bytes.readUInt32LE(at + 4)) break;
    payloads.push(payload);
    at = end;
  }
  return { payloads, whole: at };
}

/** A new file is only there after a crash of the machine when its folder is synced too. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
