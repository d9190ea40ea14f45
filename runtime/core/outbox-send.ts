/** Sends one outbox message, and tells whether a row is in the store. */
import { LocalValue } from './codec.ts';
import { TroupeError } from './errors.ts';
import { decodeRow, isSameRow, type OutboxRow } from './outbox-row.ts';
import type { ActorStore, OutgoingCall, Publisher } from './ports.ts';

export interface SendOptions {
  readonly publisher: () => Pick<Publisher, 'publish'> | undefined;
  readonly call: (call: OutgoingCall) => Promise<unknown>;
}

/** Resolves when the receiver, or the broker, has taken the message. */
export async function sendMessage(
  { call, publisher }: SendOptions,
  row: OutboxRow,
  index: number,
): Promise<void> {
  const message = row.messages[index]!;
  const { sender, stream } = row;
  const value: unknown = message.json === undefined ? undefined : JSON.parse(message.json);
  const seq = row.first + index;
  if (message.kind === 'call') {
    const { type, id, method } = message;
    const once = { key: `${sender.type}||${sender.id}`, stream, seq };
    const headers = message.trace;
    await call({ type, id, method, payload: new LocalValue(value), once, headers });
    return;
  }
  const { pubsub, topic, metadata } = message;
  const id = `${sender.type}||${sender.id}||${stream}||${seq}`;
  const broker = publisher();
  if (!broker) throw new TroupeError('UNAVAILABLE', `there is no pub/sub component "${pubsub}"`);
  await broker.publish({
    id,
    pubsub,
    topic,
    data: value,
    key: sender.id,
    ...(metadata ? { metadata } : {}),
    ...(message.trace ? { headers: message.trace } : {}),
  });
}

/**
 * A claim that fails and the one after it number their sends alike, so a row
 * of the same name may be another's: only its content tells.
 */
export async function isStored(store: ActorStore, row: OutboxRow): Promise<boolean> {
  try {
    const [stored] = await store.read(row.sender, [row.name]);
    if (stored?.json === undefined) return false;
    return isSameRow(row, decodeRow(row.sender, row.name, stored.json));
  } catch (cause) {
    throw new TroupeError('UNAVAILABLE', 'the store does not say whether it has the row', {
      cause,
    });
  }
}
