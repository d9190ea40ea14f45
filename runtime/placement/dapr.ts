/**
 * Placement by Dapr's own: this host is one member beside real daprds. A change
 * of members is a round: lock, update (a new table), unlock, each acknowledged.
 * Between update and unlock nobody is told an owner of the types that changed,
 * and before the update is acknowledged everything has ended here that the new
 * table gives to others. How owners are computed stays in here.
 */
import { TroupeError, type ActorAddress } from '../core/errors.ts';
import type { Clock, ClockTimer, EngineLogger, Owner, Placement } from '../core/ports.ts';
import type { Protos } from '../transport/grpc/proto.ts';
import {
  createPlacementStream,
  OPERATIONS,
  type HostEntry,
  type OrderMessage,
  type PlacementStream,
  type TablesMessage,
} from './dapr-stream.ts';
import { Gate } from './gate.ts';
import { createHashRing, createPoints, type HashRing, type Points } from './hash-ring.ts';

export interface DaprPlacementOptions {
  readonly addresses: readonly string[];
  readonly appId: string;
  readonly namespace: string;
  /** Where members reach this host, `host:port`; asked for when it joins. */
  readonly address: () => string;
  readonly disseminateTimeoutMs: number;
  readonly clock: Clock;
  readonly logger: EngineLogger;
  readonly protos: Protos;
  /** A number larger than every one before; a term lasts until ownership changes. */
  readonly nextTerm: () => Promise<number>;
  /** Ends every actor that `isHere` denies, and resolves when they have ended. */
  readonly halt: (isHere: (actor: ActorAddress) => boolean) => Promise<void>;
  /** A round is over, so calls go on. */
  readonly settled: () => void;
}

export interface DaprPlacement extends Placement {
  /** Joins with these actor types. */
  start(types: readonly string[]): void;
  /** Other types from now on. */
  report(types: readonly string[]): void;
  /** True while this host is a member and knows who owns what. */
  readonly ready: boolean;
  close(): Promise<void>;
}

/** Of the interface between sidecars; members of a lower one are told apart by it. */
const API_LEVEL = 20;
const DEFAULT_REPLICAS = 100;
const LOOPBACK = new Set(['127.0.0.1', 'localhost', '::1', '[::1]']);

const hostOf = (address: string): string => address.slice(0, address.lastIndexOf(':'));
const portOf = (address: string): string => address.slice(address.lastIndexOf(':') + 1);

function isSame(one: string, other: string): boolean {
  if (one === other) return true;
  return portOf(one) === portOf(other) && LOOPBACK.has(hostOf(one)) && LOOPBACK.has(hostOf(other));
}

interface TypeTable {
  readonly ring: HashRing<HostEntry>;
  /** What the ring was made of. */
  readonly made: string;
}

export function createDaprPlacement(options: DaprPlacementOptions): DaprPlacement {
  const { appId, namespace, clock, logger } = options;
  let address = '';
  let tables: ReadonlyMap<string, TypeTable> = new Map();
  let points: { readonly replicas: number; readonly of: Points } | undefined;
  const blocked = new Map<string, Gate>();
  /** Shut while no table of this stream has come. */
  const joined = new Gate();
  joined.shut();
  let types: readonly string[] = [];
  let term: Promise<number> | undefined;
  let here: Owner | undefined;
  let version = 0;
  /** Grows with every stream; what was ordered by an older one is not answered. */
  let stream = 0;
  let isReady = false;
  let isClosed = false;
  let hasReport = false;
  let limit: ClockTimer | undefined;
  let orders: Promise<void> = Promise.resolve();

  const link: PlacementStream = createPlacementStream({
    ...options,
    opened() {
      stream++;
      version = 0;
      report();
    },
    order(order) {
      const of = stream;
      orders = orders.then(() => (of === stream ? take(order, of) : undefined)).catch(failed);
    },
    async lost() {
      stream++;
      isReady = false;
      limit?.cancel();
      joined.shut();
      renewTerm();
      await orders;
      await options.halt(() => false).catch(failed);
    },
  });

  function failed(error: unknown): void {
    logger.error({ err: error }, 'placement order failed');
    link.reset('An order could not be followed');
  }

  function report(): void {
    link.send({
      name: address,
      id: appId,
      namespace,
      entities: types,
      apiLevel: API_LEVEL,
      operation: OPERATIONS.report,
    });
  }

  function renewTerm(): void {
    term = undefined;
    here = undefined;
  }

  function acknowledge(operation: number, of: number): void {
    if (of === stream) link.send({ operation, version, namespace, id: appId });
  }

  function install(given: TablesMessage | null | undefined): string[] {
    const replicas = Number(given?.replicationFactor ?? 0) || DEFAULT_REPLICAS;
    if (points?.replicas !== replicas) points = { replicas, of: createPoints(replicas) };
    const fresh = new Map<string, TypeTable>();
    const changed: string[] = [];
    for (const [type, { loadMap }] of Object.entries(given?.entries ?? {})) {
      const hosts = Object.entries(loadMap).sort(([a], [b]) => (a < b ? -1 : 1));
      const made = JSON.stringify([replicas, ...hosts.map(([name, { id }]) => [name, id])]);
      const before = tables.get(type);
      if (before?.made === made) {
        fresh.set(type, before);
        continue;
      }
      changed.push(type);
      fresh.set(type, { made, ring: createHashRing(new Map(hosts), points.of) });
    }
    for (const type of tables.keys()) if (!fresh.has(type)) changed.push(type);
    tables = fresh;
    return changed;
  }

  async function update({ tables: given }: OrderMessage, of: number): Promise<void> {
    const changed = install(given);
    for (const type of changed) {
      const gate = blocked.get(type) ?? new Gate();
      gate.shut();
      blocked.set(type, gate);
    }
    if (changed.length > 0) renewTerm();
    joined.open();
    const moved = new Set(changed);
    await options.halt((actor) => !moved.has(actor.type) || isHere(actor));
    acknowledge(OPERATIONS.update, of);
  }

  async function take(order: OrderMessage, of: number): Promise<void> {
    const ordered = Number(order.version) || Number(order.tables?.version ?? 0);
    logger.debug({ operation: order.operation, version: ordered }, 'placement order');
    switch (order.operation) {
      case 'lock':
        version = ordered;
        limit?.cancel();
        limit = clock.timer(
          clock.now() + options.disseminateTimeoutMs,
          () => link.reset(`Dissemination timeout for version ${ordered}`),
          { background: true },
        );
        acknowledge(OPERATIONS.lock, of);
        return;
      case 'update':
        if (version > ordered) {
          link.reset(`Version mismatch: expected ${version}, got ${ordered}`);
          return;
        }
        limit?.cancel();
        await update(order, of);
        return;
      case 'unlock':
        if (version > ordered || joined.wait) return;
        version = ordered;
        // Rounds may follow on each other with one unlock at the end: it releases all of them.
        for (const gate of blocked.values()) gate.open();
        blocked.clear();
        acknowledge(OPERATIONS.unlock, of);
        isReady = true;
        logger.info({ version }, 'Dissemination complete, placement tables updated');
        options.settled();
        return;
      default:
        link.reset(`Unknown operation: ${order.operation}`);
    }
  }

  function find({ type, id }: ActorAddress): HostEntry | undefined {
    return tables.get(type)?.ring.ownerOf(id);
  }

  function isHere(actor: ActorAddress): boolean {
    const owner = find(actor);
    return owner !== undefined && isSame(owner.name, address);
  }

  async function ownHere(): Promise<Owner> {
    const asked = (term ??= options.nextTerm());
    try {
      const owner: Owner = { kind: 'here', term: await asked };
      if (term === asked) here = owner;
      return owner;
    } catch (error) {
      if (term === asked) term = undefined;
      throw error;
    }
  }

  function owner(type: string, id: string): Owner | Promise<Owner> {
    const actor = { type, id };
    if (isClosed) throw new TroupeError('UNAVAILABLE', 'the host is stopping', { actor });
    const wait = joined.wait ?? blocked.get(type)?.wait;
    if (wait) return wait.then(() => owner(type, id));
    const found = find(actor);
    if (!found) {
      throw new TroupeError('NOT_FOUND', `no member of the placement hosts actor type "${type}"`, {
        actor,
        details: { actorType: type },
        // A member that hosts it may be about to join.
        retryable: true,
      });
    }
    if (!isSame(found.name, address)) return { kind: 'peer', address: found.name };
    return here ?? ownHere();
  }

  const close = async (): Promise<void> => {
    isClosed = true;
    isReady = false;
    limit?.cancel();
    await link.close();
    joined.open();
    for (const gate of blocked.values()) gate.open();
  };

  return {
    get ready() {
      return isReady;
    },
    start(first) {
      types = first;
      address = options.address();
      link.start();
    },
    report(now) {
      const isSameTypes = now.toSorted().join('\n') === types.toSorted().join('\n');
      types = now;
      if (hasReport || isSameTypes) return;
      hasReport = true;
      queueMicrotask(() => {
        hasReport = false;
        if (!isClosed) report();
      });
    },
    owner,
    fenced() {
      // A member that is no daprd had a later term for this actor: the next one is later still.
      renewTerm();
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}
