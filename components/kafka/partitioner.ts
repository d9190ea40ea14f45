/**
 * Which partition an event goes to, computed as daprd does, so that the events
 * of one key are in one partition whoever published them: the 32-bit FNV-1a
 * hash of the key; without a key, any.
 */
import type { Message, PartitionerArgs } from 'kafkajs';

export function partitionOf(key: Uint8Array, count: number): number {
  let hash = 0x811c9dc5;
  for (const byte of key) hash = Math.imul(hash ^ byte, 0x01000193);
  return Math.abs((hash | 0) % count);
}

/**
 * The library asks again for each repetition of a send. The answer is kept on
 * the message: with another one, a repetition would no longer be recognised.
 */
export function createPartitioner(): (args: PartitionerArgs) => number {
  return ({ partitionMetadata, message }) => {
    const chosen = message as Message;
    const count = partitionMetadata.length;
    chosen.partition ??=
      chosen.key === null || chosen.key === undefined
        ? Math.floor(Math.random() * count)
        : partitionOf(Buffer.from(chosen.key), count);
    if (chosen.partition < count) return chosen.partition;
    throw new RangeError(`there is no partition ${chosen.partition}, the topic has ${count}`);
  };
}
