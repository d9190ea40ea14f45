/** Reads the undelivered outbox rows of the actors that this host owns, in the order of sending. */
import type { ActorAddress } from './errors.ts';
import { decodeRow, inOrderOfSending, type OutboxRow } from './outbox-row.ts';
import type { DueReader } from './ports.ts';

const PAGE = 1000;

/** Names a row among those of all actors. */
export function rowKey({ type, id }: ActorAddress, name: string): string {
  return `${type}||${id}||${name}`;
}

export async function readOutbox(
  store: DueReader,
  owned: (actor: ActorAddress) => Promise<boolean>,
  isKnown: (key: string) => boolean,
): Promise<OutboxRow[]> {
  const rows: OutboxRow[] = [];
  let after: { score: number; key: string } | undefined;
  for (;;) {
    const page = await store.scan('outbox', { after, limit: PAGE });
    for (const { actor, name, json } of page) {
      if (isKnown(rowKey(actor, name)) || !(await owned(actor))) continue;
      rows.push(decodeRow(actor, name, json));
    }
    const last = page.at(-1);
    if (!last || page.length < PAGE) return inOrderOfSending(rows);
    after = { score: last.score, key: last.key };
  }
}

/** How many messages are parked. */
export async function countParked(store: DueReader): Promise<number> {
  let count = 0;
  let after: { score: number; key: string } | undefined;
  for (;;) {
    const page = await store.scan('parked', { after, limit: PAGE });
    count += page.length;
    const last = page.at(-1);
    if (!last || page.length < PAGE) return count;
    after = { score: last.score, key: last.key };
  }
}
