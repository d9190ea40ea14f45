/**
 * Ports for the programs that a test starts: below those that the system gives
 * out by itself, and another slice of them for each worker of vitest, so that
 * no connection and no other test takes one before its program opens it.
 */
import { createPorts } from './ports.ts';

const SLICES = 8;

/** Each worker is a process of its own and has a number from 1. */
const slice = Number(process.env['VITEST_POOL_ID'] ?? 0) % SLICES;
const ports = createPorts(() => (slice + Math.random()) / SLICES);

/** Ports that are free, none of them given before. */
export async function freePorts(count: number): Promise<number[]> {
  const taken: number[] = [];
  while (taken.length < count) taken.push(await ports.take('port'));
  return taken;
}
