/**
 * The stream to Dapr's placement: reports of this host go up, orders come down.
 * One address after another until one takes the stream, and again when it is
 * lost. What an order means is the placement's.
 */
import type { Clock, ClockTimer, EngineLogger } from '../core/ports.ts';
import type { OutgoingCall } from '../transport/grpc/client-call.ts';
import { createGrpcClient, hostAndPort, type GrpcClient } from '../transport/grpc/client.ts';
import type { MethodCodec, Protos } from '../transport/grpc/proto.ts';
import { CODES, GrpcError, type Status } from '../transport/grpc/status.ts';

export const OPERATIONS = { report: 1, lock: 2, update: 3, unlock: 4 } as const;

/** A report of this host, or its acknowledgement of an order. */
export interface HostMessage {
  readonly name?: string;
  readonly id: string;
  readonly namespace: string;
  readonly entities?: readonly string[];
  readonly apiLevel?: number;
  readonly operation: number;
  readonly version?: number;
}

export interface HostEntry {
  readonly name: string;
  readonly id: string;
}

export interface TablesMessage {
  readonly entries: Readonly<
    Record<string, { readonly loadMap: Readonly<Record<string, HostEntry>> }>
  >;
  readonly replicationFactor: unknown;
  readonly version: string;
}

export interface OrderMessage {
  readonly operation: string;
  readonly version: unknown;
  readonly tables?: TablesMessage | null;
}

export interface PlacementStreamOptions {
  /** `host:port`, tried in turn. */
  readonly addresses: readonly string[];
  readonly protos: Protos;
  readonly clock: Clock;
  readonly logger: EngineLogger;
  /** A stream is open; what is sent first is the report. */
  readonly opened: () => void;
  readonly order: (order: OrderMessage) => void;
  /** The stream is lost; the next one is opened when this has resolved. */
  readonly lost: () => Promise<void>;
}

export interface PlacementStream {
  start(): void;
  /** Does nothing while there is no stream. */
  send(host: HostMessage): void;
  /** Gives the stream up; another one is opened. */
  reset(why: string): void;
  close(): Promise<void>;
}

const SERVICE = 'dapr.proto.placement.v1.Placement';
const METHOD = 'ReportDaprStatus';
const PAUSE_MS = 250;
const JITTER_MS = 500;

/** A placement that is not the leader says so; the next address may be. */
const isNotLeader = ({ code, message }: Status): boolean =>
  code === CODES.FAILED_PRECONDITION && message.includes('is not a leader');

export function createPlacementStream(options: PlacementStreamOptions): PlacementStream {
  const { addresses, protos, clock, logger } = options;
  let call: OutgoingCall | undefined;
  let client: GrpcClient | undefined;
  let next = 0;
  let refusals = 0;
  let isClosed = false;
  let pause: { readonly timer: ClockTimer; readonly end: () => void } | undefined;
  let running: Promise<void> = Promise.resolve();
  let known: MethodCodec<HostMessage, OrderMessage> | undefined;
  const codec = (): MethodCodec<HostMessage, OrderMessage> =>
    (known ??= protos.method(SERVICE, METHOD));

  function wait(): Promise<void> {
    return new Promise((end) => {
      const at = clock.now() + PAUSE_MS + Math.random() * JITTER_MS;
      pause = { timer: clock.timer(at, end, { background: true }), end };
    });
  }

  async function readOrders(from: OutgoingCall): Promise<void> {
    try {
      for await (const bytes of from.messages()) {
        refusals = 0;
        options.order(codec().response.decode(bytes));
      }
    } catch (error) {
      if (!(error instanceof GrpcError)) throw error;
      from.cancel();
    }
  }

  async function once(address: string): Promise<Status> {
    client = createGrpcClient({
      ...hostAndPort(address),
      maxMessageBytes: Number.POSITIVE_INFINITY,
    });
    try {
      call = client.call(`/${SERVICE}/${METHOD}`);
      logger.info({}, `Connected to placement ${address}`);
      options.opened();
      await readOrders(call);
      return (await call.ended).status;
    } finally {
      call = undefined;
      await client.close();
      client = undefined;
    }
  }

  async function run(): Promise<void> {
    while (!isClosed) {
      const address = addresses[next++ % addresses.length]!;
      const status = await once(address).catch((error: unknown): Status => ({
        code: CODES.INTERNAL,
        message: String(error),
      }));
      await options.lost();
      if (isClosed) return;
      refusals++;
      const told = isNotLeader(status) ? logger.debug : logger.warn;
      told.call(logger, { address }, `Placement stream closed: ${status.message}. Reconnecting...`);
      // Every address is asked once before there is a pause.
      if (refusals >= addresses.length) await wait();
    }
  }

  return {
    start() {
      running = run();
    },
    send(host) {
      void call?.write(codec().request.encode(host));
    },
    reset(why) {
      logger.warn({}, `${why}, closing stream to reconnect`);
      call?.cancel();
    },
    async close() {
      isClosed = true;
      call?.end();
      call?.cancel();
      pause?.timer.cancel();
      pause?.end();
      await client?.close();
      await running;
    },
  };
}
