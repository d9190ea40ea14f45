/**
 * The connection to Dapr's schedulers: which of them are there, requests to any
 * of them, and the streams by which they trigger what is due. What a job means
 * is for those who use it.
 */
import { TroupeError, type ErrorCode } from '../core/errors.ts';
import type { Clock, EngineLogger } from '../core/ports.ts';
import { createGrpcClient, hostAndPort, type GrpcClient } from '../transport/grpc/client.ts';
import type { OutgoingCall } from '../transport/grpc/client-call.ts';
import type { Protos } from '../transport/grpc/proto.ts';
import { CODES, goCodeName, GrpcError } from '../transport/grpc/status.ts';
import {
  createTriggers,
  SCHEDULER,
  type TriggerTarget,
  type Triggers,
  type Watched,
} from './dapr-triggers.ts';

export interface DaprSchedulerOptions {
  /** `host:port`; one of them tells which schedulers there are. */
  readonly addresses: readonly string[];
  readonly appId: string;
  readonly namespace: string;
  /** Streams to each scheduler. */
  readonly streams: number;
  readonly clock: Clock;
  readonly logger: EngineLogger;
  readonly protos: Protos;
}

export interface DaprScheduler extends AsyncDisposable {
  /** Waits until a scheduler is there. Errors: NOT_FOUND, CONFLICT, INVALID_ARGUMENT, UNAVAILABLE, COMPONENT. */
  call<O>(method: string, request: object): Promise<O>;
  /** What a request is about. */
  metadata(target: object): object;
  /** Takes from now on what is watched, and nothing when nothing is. */
  watch(watched: Watched, target: TriggerTarget): void;
  readonly connected: readonly string[];
  /** True once the schedulers are known. */
  readonly ready: boolean;
  close(): Promise<void>;
}

const MAX_BYTES = 64 * 1024 * 1024;
/** What a request may take in all, the wait for a scheduler included. */
const REQUEST_MS = 30_000;
const PAUSE_MS = 500;
const JITTER_MS = 500;

const OWN_CODES: Readonly<Record<number, ErrorCode>> = {
  [CODES.CANCELLED]: 'CANCELLED',
  [CODES.INVALID_ARGUMENT]: 'INVALID_ARGUMENT',
  [CODES.DEADLINE_EXCEEDED]: 'TIMEOUT',
  [CODES.NOT_FOUND]: 'NOT_FOUND',
  [CODES.ALREADY_EXISTS]: 'CONFLICT',
  [CODES.PERMISSION_DENIED]: 'FORBIDDEN',
  [CODES.UNIMPLEMENTED]: 'UNSUPPORTED',
  [CODES.UNAVAILABLE]: 'UNAVAILABLE',
};

/** The scheduler's refusal in the words that daprd passes on. */
function errorOf(cause: unknown): unknown {
  if (!(cause instanceof GrpcError)) return cause;
  const { code, message } = cause.status;
  const text = `rpc error: code = ${goCodeName(code)} desc = ${message}`;
  return new TroupeError(OWN_CODES[code] ?? 'COMPONENT', text, { cause });
}

export function createDaprScheduler(options: DaprSchedulerOptions): DaprScheduler {
  const { appId, namespace, clock, logger, protos } = options;
  const stopping = new AbortController();
  const { signal } = stopping;
  let clients = new Map<string, GrpcClient>();
  const known = Promise.withResolvers<void>();
  let isReady = false;
  let retiring: Promise<unknown> = Promise.resolve();
  let turn = 0;
  let watched: { readonly what: Watched; readonly target: TriggerTarget } | undefined;
  let triggers: Triggers | undefined;

  const open = (address: string): GrpcClient =>
    createGrpcClient({ ...hostAndPort(address), maxMessageBytes: MAX_BYTES });

  const pause = (): Promise<void> =>
    new Promise((resolve) => {
      if (signal.aborted) return resolve();
      const at = clock.now() + PAUSE_MS + Math.random() * JITTER_MS;
      const end = (): void => {
        timer.cancel();
        signal.removeEventListener('abort', end);
        resolve();
      };
      const timer = clock.timer(at, end, { background: true });
      signal.addEventListener('abort', end, { once: true });
    });

  function rewatch(): void {
    const before = triggers;
    triggers = undefined;
    void before?.leave();
    if (!watched || clients.size === 0 || signal.aborted) return;
    if (!watched.what.jobs && watched.what.actorTypes.length === 0) return;
    triggers = createTriggers({
      clients: [...clients.values()].flatMap((client) =>
        Array.from({ length: options.streams }, () => client),
      ),
      appId,
      namespace,
      ...watched,
      pause,
      logger,
      protos,
    });
  }

  /** Connections of before go on until what they triggered is answered. */
  function use(addresses: readonly string[]): void {
    const before = [...clients.values()];
    clients = new Map(addresses.map((address) => [address, open(address)]));
    const left = triggers?.leave() ?? Promise.resolve();
    rewatch();
    retiring = Promise.all([
      retiring,
      left.then(() => Promise.all(before.map((client) => client.close()))),
    ]);
    known.resolve();
    isReady = true;
  }

  /** The first message tells who is there; whatever comes after it, the end too, means that this has changed. */
  async function watchHosts(address: string): Promise<void> {
    const client = open(address);
    const { request, response } = protos.method<object, { hosts: { address: string }[] }>(
      SCHEDULER,
      'WatchHosts',
    );
    let call: OutgoingCall | undefined;
    try {
      call = client.call(`/${SCHEDULER}/WatchHosts`, { signal });
      void call.write(request.encode({}));
      call.end();
      const messages = call.messages();
      const first = await messages.next();
      if (!first.done) {
        const addresses = response.decode(first.value).hosts.map((host) => host.address);
        logger.info(
          {},
          `Connected and received scheduler hosts addresses: [${addresses.join(' ')}]`,
        );
        use(addresses);
        await messages.next();
        return;
      }
      const { status } = await call.ended;
      if (status.code === CODES.UNIMPLEMENTED) {
        use(options.addresses);
        await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
        return;
      }
      if (signal.aborted) return;
      logger.warn(
        { address },
        `Scheduler WatchHosts stream error, reconnecting: ${status.message}`,
      );
      await pause();
    } finally {
      call?.cancel();
      await client.close();
    }
  }

  const running = (async () => {
    while (!signal.aborted) {
      const address = options.addresses[Math.floor(Math.random() * options.addresses.length)]!;
      await watchHosts(address).catch(async (error: unknown) => {
        if (signal.aborted) return;
        logger.error({ address, err: error }, 'Failed to connect to scheduler host');
        await pause();
      });
    }
  })();

  async function call<O>(method: string, message: object): Promise<O> {
    const { request, response } = protos.method<object, O>(SCHEDULER, method);
    const limit = AbortSignal.any([signal, AbortSignal.timeout(REQUEST_MS)]);
    const ended = new Promise<never>((_resolve, reject) => {
      limit.addEventListener(
        'abort',
        () => reject(new TroupeError('UNAVAILABLE', 'no scheduler could be reached')),
        { once: true },
      );
    });
    ended.catch(() => {});
    for (;;) {
      await Promise.race([known.promise, ended]);
      const all = [...clients.values()];
      const client = all[turn++ % Math.max(1, all.length)];
      if (!client) throw new TroupeError('UNAVAILABLE', 'no scheduler client initialized');
      try {
        const path = `/${SCHEDULER}/${method}`;
        const reply = await client.unary(path, request.encode(message), { signal: limit });
        return response.decode(reply.message);
      } catch (error) {
        // One that is not there cannot have done it: the next one, or the same when it is back.
        if (limit.aborted) await ended;
        if (!(error instanceof GrpcError && error.unsent)) throw errorOf(error);
        await Promise.race([pause(), ended]);
      }
    }
  }

  const close = async (): Promise<void> => {
    if (signal.aborted) return;
    await triggers?.leave();
    triggers = undefined;
    stopping.abort(new Error('the host is stopping'));
    await Promise.all([running, retiring]);
    await Promise.all([...clients.values()].map((client) => client.close()));
  };

  return {
    call,
    metadata: (target) => ({ appId, namespace, target }),
    watch(what, target) {
      const before = watched?.what;
      watched = { what, target };
      const isSame =
        before?.jobs === what.jobs && before.actorTypes.join('\n') === what.actorTypes.join('\n');
      if (!isSame) rewatch();
    },
    get connected() {
      return isReady ? [...clients.keys()] : [];
    },
    get ready() {
      return isReady;
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}
