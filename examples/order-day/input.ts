/**
 * The input of a run: reads the files into a book and takes its fingerprint,
 * by which a state refuses to be continued with another input.
 */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { createBookkeeper } from './invoices.ts';
import type { Book } from './invoices.ts';
import { orderFiles, readRows } from './rows.ts';

export interface Input extends Book {
  readonly files: number;
  /** SHA-256 of the names and contents of the files, in hex. */
  readonly fingerprint: string;
}

/** Reads a CSV file, or every CSV file of a folder by name. Throws NOT_FOUND, INVALID_ARGUMENT or what reading a file throws. */
export async function readInput(path: string): Promise<Input> {
  const files = await orderFiles(path);
  const bookkeeper = createBookkeeper();
  const hash = createHash('sha256');
  for (const file of files) {
    const bytes = await readFile(file);
    const name = basename(file);
    hash.update(`${name}\0${bytes.byteLength}\0`).update(bytes);
    await readRows(name, bytes.toString('utf8'), bookkeeper);
  }
  return { ...bookkeeper.book(), files: files.length, fingerprint: hash.digest('hex') };
}
