/**
 * Actor state kept by daprd, through its actor API: one transaction a commit,
 * under Dapr's own keys, so that whatever the application's state component is
 * keeps it. What Dapr's API lacks is made up for or named: it has no conditions
 * (so nothing is fenced here; daprd's placement and turn lock are what keeps an
 * actor single), no deletion by prefix (a row of names stands for it) and no
 * index of what is due (a reminder of the actor has its outbox drained).
 */
import { TroupeError, type ActorAddress } from '../core/errors.ts';
import { Order } from '../core/order.ts';
import { OWNER } from '../core/ownership.ts';
import type { ActorStore, EntryWrite, ScannedEntry, StoredEntry } from '../core/ports.ts';
import type { ReminderService } from '../core/services.ts';
import { INBOX } from '../core/turn-writes.ts';
import {
  actorPath,
  askDaprd,
  daprdError,
  headerOf,
  jsonBytes,
  textOf,
  type DaprdHttp,
} from './daprd.ts';

/** Names of an actor's rows, for deletion, and of those in its outbox. */
const ROWS = '$rows';
/** The reminder that has an outbox drained whose host died. */
export const DRAIN = 'troupe~outbox';
const DRAIN_EVERY = '10s';

/** The engine's own rows by names that a Troupe sidecar takes, too: it keeps those with "$" for its own engine. */
const keyOfRow = (name: string): string =>
  name.startsWith('$') ? `troupe~${name.slice(1).replaceAll('||', '~')}` : name;

interface Rows {
  readonly names: readonly string[];
  readonly outbox: readonly string[];
}

interface Known {
  rows: Rows | undefined;
  /** The reminder that drains the outbox stands. */
  isArmed: boolean;
  readonly order: Order;
}

interface Operation {
  readonly operation: 'upsert' | 'delete';
  readonly request: {
    readonly key: string;
    readonly value?: unknown;
    readonly metadata?: Readonly<Record<string, string>>;
  };
}

export interface DaprStoreOptions {
  readonly http: DaprdHttp;
  readonly reminders: Pick<ReminderService, 'set' | 'delete'>;
  /** daprd has the feature ActorStateTTL. */
  readonly hasTtl: () => boolean;
}

export interface DaprStore extends ActorStore {
  /** The drain reminder of an actor fired, as a turn of it: what it committed last is sent by the next scan. */
  drain(actor: ActorAddress): Promise<void>;
  /** The actor is not here any more: what was known of it is forgotten. */
  forget(actor: ActorAddress): void;
  /** None of the actors is here any more. */
  forgetAll(): void;
}

const NONE: Rows = { names: [], outbox: [] };
const keyOf = ({ type, id }: ActorAddress): string => `${type}||${id}`;

/** Dapr gives actor state no etags; the ownership record is told by what it says. */
function etagOf(name: string, json: string): string | undefined {
  if (name !== OWNER) return undefined;
  const { epoch, term, stream } = JSON.parse(json) as Record<string, unknown>;
  return JSON.stringify([epoch, term, stream]);
}

export function createDaprStore({ http, reminders, hasTtl }: DaprStoreOptions): DaprStore {
  const known = new Map<string, Known>();
  const draining = new Map<string, ActorAddress>();

  function knownOf(actor: ActorAddress): Known {
    const key = keyOf(actor);
    let one = known.get(key);
    if (!one) known.set(key, (one = { rows: undefined, isArmed: false, order: new Order() }));
    return one;
  }

  async function readOne(actor: ActorAddress, name: string): Promise<StoredEntry> {
    const path = `${actorPath(actor)}/state/${encodeURIComponent(keyOfRow(name))}`;
    const answer = await askDaprd(http, { method: 'GET', path });
    if (answer.status === 204) return { name };
    if (answer.status !== 200) throw daprdError(answer, `state of ${keyOf(actor)}`, actor);
    const json = textOf(answer);
    const etag = etagOf(name, json);
    const expires = Date.parse(headerOf(answer, 'metadata.ttlexpiretime') ?? '');
    return {
      name,
      json,
      ...(etag === undefined ? {} : { etag }),
      ...(Number.isNaN(expires) ? {} : { expiresAt: expires }),
    };
  }

  async function rowsOf(actor: ActorAddress, one: Known): Promise<Rows> {
    if (!one.rows) {
      const { json } = await readOne(actor, ROWS);
      one.rows = json === undefined ? NONE : (JSON.parse(json) as Rows);
    }
    return one.rows;
  }

  function ttlOf(name: string, ttlMs: number | undefined): Operation['request']['metadata'] {
    if (ttlMs === undefined || (!hasTtl() && name.startsWith(INBOX))) return undefined;
    if (!hasTtl()) {
      throw new TroupeError(
        'UNSUPPORTED',
        `state "${name}" has a ttl, which daprd refuses unless its Configuration enables the feature ActorStateTTL`,
      );
    }
    return { ttlInSeconds: String(Math.max(1, Math.ceil(ttlMs / 1000))) };
  }

  function operationOf(write: Extract<EntryWrite, { kind: 'set' | 'delete' }>): Operation {
    if (write.kind === 'delete')
      return { operation: 'delete', request: { key: keyOfRow(write.name) } };
    const metadata = ttlOf(write.name, write.ttlMs);
    const value: unknown = JSON.parse(write.json);
    return {
      operation: 'upsert',
      request: { key: keyOfRow(write.name), value, ...(metadata ? { metadata } : {}) },
    };
  }

  async function transact(actor: ActorAddress, one: Known, operations: Operation[]): Promise<void> {
    const path = `${actorPath(actor)}/state`;
    try {
      const body = jsonBytes(operations);
      const headers = { 'content-type': 'application/json' };
      const answer = await askDaprd(http, { method: 'POST', path, headers, body });
      if (answer.status !== 204) throw daprdError(answer, `a commit of ${keyOf(actor)}`, actor);
    } catch (error) {
      one.rows = undefined;
      throw error;
    }
  }

  async function commit(actor: ActorAddress, writes: readonly EntryWrite[]): Promise<void> {
    const one = knownOf(actor);
    const before = await rowsOf(actor, one);
    const isDeleted = writes.some(({ kind }) => kind === 'delete-all');
    const names = new Set(isDeleted ? [] : before.names);
    const outbox = new Set(isDeleted ? [] : before.outbox);
    const operations: Operation[] = [];
    if (isDeleted) {
      const all = [...before.names, ...before.outbox];
      operations.push(...all.map((key) => operationOf({ kind: 'delete', name: key })));
    }
    for (const write of writes) {
      if (write.kind !== 'set' && write.kind !== 'delete') continue;
      operations.push(operationOf(write));
      if (write.kind === 'delete') continue;
      if (write.index?.name === 'outbox') outbox.add(write.name);
      else if (!write.name.startsWith(INBOX)) names.add(write.name);
    }
    const rows: Rows = { names: [...names], outbox: [...outbox] };
    if (isDeleted && names.size + outbox.size === 0) {
      operations.push(operationOf({ kind: 'delete', name: ROWS }));
    } else if (names.size !== before.names.length || outbox.size !== before.outbox.length) {
      operations.push(operationOf({ kind: 'set', name: ROWS, json: JSON.stringify(rows) }));
    }
    // Before the commit: a host that dies right behind it must be woken to send.
    if (outbox.size > 0 && !one.isArmed) {
      await reminders.set(actor, DRAIN, { due: DRAIN_EVERY, period: DRAIN_EVERY });
      one.isArmed = true;
    }
    if (isDeleted) one.isArmed = false;
    await transact(actor, one, operations);
    one.rows = rows;
  }

  async function removeFrom(actor: ActorAddress, gone: ReadonlySet<string>): Promise<void> {
    const one = knownOf(actor);
    const { names, outbox } = await rowsOf(actor, one);
    const rows: Rows = { names, outbox: outbox.filter((name) => !gone.has(name)) };
    const deletions = [...gone].map((name) => operationOf({ kind: 'delete', name }));
    const index = operationOf({ kind: 'set', name: ROWS, json: JSON.stringify(rows) });
    await transact(actor, one, [...deletions, index]);
    one.rows = rows;
  }

  return {
    read: (actor, names) => Promise.all(names.map((name) => readOne(actor, name))),

    async commit(actor, writes) {
      await knownOf(actor).order.run(() => commit(actor, writes));
      return writes.map((write) =>
        write.kind === 'set' ? etagOf(write.name, write.json) : undefined,
      );
    },

    async remove(rows) {
      const actors = Map.groupBy(rows, ({ actor }) => keyOf(actor));
      await Promise.all(
        [...actors.values()].map((of) => {
          const { actor } = of[0]!;
          const gone = new Set(of.map(({ name }) => name));
          return knownOf(actor).order.run(() => removeFrom(actor, gone));
        }),
      );
    },

    async drain(actor) {
      const one = knownOf(actor);
      await one.order.run(async () => {
        one.rows = undefined;
        one.isArmed = true;
        if ((await rowsOf(actor, one)).outbox.length > 0) draining.set(keyOf(actor), actor);
        else {
          await reminders.delete(actor, DRAIN);
          one.isArmed = false;
        }
      });
    },

    forget: (actor) => void known.delete(keyOf(actor)),
    forgetAll: () => known.clear(),

    async scan(index, { after }) {
      if (index !== 'outbox' || after) return [];
      const found: ScannedEntry[] = [];
      for (const [key, actor] of [...draining]) {
        draining.delete(key);
        const { outbox } = await rowsOf(actor, knownOf(actor));
        for (const { name, json } of await this.read(actor, outbox)) {
          if (json !== undefined)
            found.push({ actor, name, json, score: 0, key: `${key}||${name}` });
        }
      }
      return found;
    },

    list: (type) =>
      Promise.reject(
        new TroupeError(
          'UNSUPPORTED',
          `the ids of "${type}" cannot be listed: Dapr keeps no index of the actors that have state`,
        ),
      ),

    nextTerm: () =>
      Promise.reject(new TroupeError('UNSUPPORTED', 'ownership on Dapr is its placement')),
  };
}
