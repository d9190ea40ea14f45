/** What a turn sends, and the store row that keeps all sends of one turn until they are delivered. */
import type { ActorAddress } from './errors.ts';

const OUTBOX = '$outbox||';
const PARKED = '$parked||';

export type OutboxMessage =
  | {
      readonly kind: 'call';
      readonly type: string;
      readonly id: string;
      readonly method: string;
      readonly json: string | undefined;
      readonly trace?: Readonly<Record<string, string>> | undefined;
    }
  | {
      readonly kind: 'event';
      readonly pubsub: string;
      readonly topic: string;
      readonly json: string | undefined;
      readonly metadata: Readonly<Record<string, string>> | undefined;
      readonly trace?: Readonly<Record<string, string>> | undefined;
    };

export interface OutboxRow {
  readonly sender: ActorAddress;
  readonly name: string;
  readonly stream: string;
  /** Number of the first message; the others follow. */
  readonly first: number;
  readonly messages: readonly OutboxMessage[];
}

/** Rows of one actor sort by time; the stream keeps apart those of an actor that was deleted and came back. */
export function outboxRowName(first: number, stream: string): string {
  return `${OUTBOX}${String(first).padStart(16, '0')}-${stream}`;
}

export function encodeRow(row: OutboxRow): string {
  return JSON.stringify({ stream: row.stream, first: row.first, messages: row.messages });
}

export function decodeRow(sender: ActorAddress, name: string, json: string): OutboxRow {
  const row = JSON.parse(json) as Pick<OutboxRow, 'stream' | 'first' | 'messages'>;
  return { sender, name, ...row };
}

/** Two rows that send the same, whatever became of their text in a store. */
export function isSameRow(one: OutboxRow, other: OutboxRow): boolean {
  if (one.stream !== other.stream || one.first !== other.first) return false;
  if (one.messages.length !== other.messages.length) return false;
  return one.messages.every((message, i) => {
    const twin = other.messages[i]!;
    if (message.kind !== twin.kind || message.json !== twin.json) return false;
    if (laneOf(one.sender, message) !== laneOf(other.sender, twin)) return false;
    return message.kind !== 'call' || message.method === (twin as typeof message).method;
  });
}

/** Name of the row that keeps a message which its receiver refused for good. */
export function parkedRowName(seq: number, unique: string): string {
  return `${PARKED}${String(seq).padStart(16, '0')}-${unique}`;
}

/**
 * The index orders rows by the clock, which may have been set back; a receiver
 * would drop what comes after a larger number of the same stream.
 */
export function inOrderOfSending(rows: readonly OutboxRow[]): OutboxRow[] {
  const streams = Map.groupBy(
    rows,
    ({ sender, stream }) => `${sender.type}||${sender.id}||${stream}`,
  );
  return [...streams.values()].flatMap((sent) => sent.toSorted((a, b) => a.first - b.first));
}

/** Messages of one sender to one receiver keep their order: they share a lane. */
export function laneOf(sender: ActorAddress, message: OutboxMessage): string {
  const receiver =
    message.kind === 'call'
      ? `${message.type}||${message.id}`
      : `${message.pubsub}||${message.topic}`;
  return `${sender.type}||${sender.id}|>${receiver}`;
}
