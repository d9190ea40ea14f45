/**
 * The connection to an etcd cluster that one component has. Every request has
 * a deadline. When one finds no server, later requests fail at once while the
 * connection is tried again behind their backs, with growing pauses. Nothing
 * is sent twice: a write whose answer was lost may have been made, and its
 * error says so. gRPC deadlines are moments of the machine's clock, so this
 * room may read it; drivers take the component's.
 */
import { noop } from 'cockatiel';
import {
  Etcd3,
  EtcdPermissionDeniedError,
  GRPCCancelledError,
  GRPCDeadlineExceededError,
  GRPCInternalError,
  GRPCUnavailableError,
  GRPCUnknownError,
  type IDuplexStream,
  type IWatchRequest,
  type IWatchResponse,
} from 'etcd3';
import { ComponentError, isTroupeError } from '../../runtime/core/errors.ts';
import type { ComponentOptions, ComponentUsage } from '../component.ts';
import type { ConnectionSettings } from './settings.ts';

const MIN_RETRY_MS = 50;
const MAX_RETRY_MS = 1_000;

/** What a request is given: the client of the library, and when to give up. */
export type Request<T> = (client: Etcd3, call: { readonly deadline: Date }) => Promise<T>;

export interface RequestOptions {
  /** A lost answer leaves open what happened. Default false. */
  readonly writes?: boolean;
}

export class Connection {
  readonly #options: ComponentOptions;
  readonly #settings: ConnectionSettings;
  readonly #client: Etcd3;
  readonly #pending = new Set<Promise<unknown>>();
  #lost: { readonly cause: unknown } | undefined;
  #retry: NodeJS.Timeout | undefined;
  #closing: Promise<void> | undefined;

  private constructor(options: ComponentOptions, settings: ConnectionSettings) {
    this.#options = options;
    this.#settings = settings;
    const { endpoints, tls, auth } = settings;
    this.#client = new Etcd3({
      hosts: [...endpoints],
      ...(auth ? { auth } : {}),
      ...(tls
        ? {
            credentials: {
              rootCertificate: tls.ca,
              ...(tls.cert && tls.key ? { certChain: tls.cert, privateKey: tls.key } : {}),
            },
          }
        : {}),
      defaultCallOptions: ({ isStream }) => (isStream ? {} : { deadline: this.#deadline() }),
      // The library would send what failed again, writes too, and stop trying for five seconds.
      faultHandling: { global: noop, host: () => noop },
      grpcOptions: {
        'grpc.max_receive_message_length': -1,
        'grpc.use_local_subchannel_pool': 1,
        // A stream that waits hears of a server that is gone; etcd takes one such question in 5 s.
        'grpc.keepalive_time_ms': 10_000,
        'grpc.keepalive_timeout_ms': 5_000,
        'grpc.initial_reconnect_backoff_ms': MIN_RETRY_MS,
        'grpc.min_reconnect_backoff_ms': MIN_RETRY_MS,
        'grpc.max_reconnect_backoff_ms': MAX_RETRY_MS,
      },
    });
  }

  /** @throws ComponentError UNAVAILABLE when no server answers, COMPONENT when it refuses, CANCELLED when `signal` aborts. */
  static async open(
    options: ComponentOptions,
    settings: ConnectionSettings,
    signal: AbortSignal,
  ): Promise<Connection> {
    const cancelled = () =>
      new ComponentError(options, 'was not opened: cancelled', {
        code: 'CANCELLED',
        cause: signal.reason,
      });
    if (signal.aborted) throw cancelled();
    const connection = new Connection(options, settings);
    const aborted = Promise.withResolvers<never>();
    const abort = (): void => aborted.reject(cancelled());
    signal.addEventListener('abort', abort, { once: true });
    try {
      await Promise.race([connection.#probe(), aborted.promise]);
      return connection;
    } catch (cause) {
      void connection.close();
      throw isTroupeError(cause) ? cause : connection.#typed(cause, false);
    } finally {
      signal.removeEventListener('abort', abort);
    }
  }

  /** The prefix of every key of this component; ends with `/`. */
  get root(): string {
    return this.#settings.root;
  }

  /** How far the component's clock is from the machine's, by which etcd ends leases. */
  clockDriftMs(): number {
    return Math.abs(Date.now() - this.#options.now());
  }

  async request<T>(run: Request<T>, { writes = false }: RequestOptions = {}): Promise<T> {
    if (this.#closing)
      throw new ComponentError(this.#options, 'is closed; create it again to use it');
    if (this.#lost) throw this.#lostError(this.#lost.cause);
    const answer = run(this.#client, { deadline: this.#deadline() });
    this.#pending.add(answer);
    try {
      return await answer;
    } catch (cause) {
      if (isAway(cause)) this.#lose(cause);
      throw this.#typed(cause, writes);
    } finally {
      this.#pending.delete(answer);
    }
  }

  usage(): ComponentUsage {
    const isOpen = !this.#lost && !this.#closing;
    return { connections: isOpen ? 1 : 0, inFlight: this.#pending.size };
  }

  /** A stream of changes; it lives until it is cancelled. */
  async openWatch(): Promise<IDuplexStream<IWatchRequest, IWatchResponse>> {
    try {
      return await this.#client.watchClient.watch();
    } catch (cause) {
      throw this.#typed(cause, false);
    }
  }

  /** Resolves when a server answers. */
  async ping(): Promise<void> {
    await this.request((client, call) => rangeOfNothing(client, this.root, call));
  }

  /** Lets what was sent be answered, at most `timeout` long. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#end();
    return this.#closing;
  }

  async #end(): Promise<void> {
    clearTimeout(this.#retry);
    await Promise.allSettled(this.#pending);
    this.#client.close();
  }

  #deadline(): Date {
    return new Date(Date.now() + this.#settings.timeoutMs);
  }

  async #probe(): Promise<void> {
    await rangeOfNothing(this.#client, this.root, { deadline: this.#deadline() });
  }

  #lose(cause: unknown): void {
    if (this.#lost || this.#closing) return;
    this.#lost = { cause };
    this.#options.logger.warn({ component: this.#options.name, cause }, 'etcd connection lost');
    this.#reconnect(MIN_RETRY_MS);
  }

  #reconnect(pauseMs: number): void {
    this.#retry = setTimeout(() => {
      this.#probe().then(
        () => {
          if (this.#closing) return;
          this.#lost = undefined;
          const { name } = this.#options;
          this.#options.logger.info({ component: name }, 'etcd connection restored');
        },
        (cause: unknown) => {
          if (this.#closing) return;
          this.#lost = { cause };
          this.#reconnect(Math.min(pauseMs * 2, MAX_RETRY_MS));
        },
      );
    }, pauseMs);
    this.#retry.unref();
  }

  #lostError(cause: unknown): ComponentError {
    return new ComponentError(
      this.#options,
      `the connection to ${this.#server} is lost and being made anew; nothing was sent`,
      { code: 'UNAVAILABLE', cause },
    );
  }

  get #server(): string {
    return this.#settings.endpoints.join(', ');
  }

  #typed(cause: unknown, writes: boolean): ComponentError {
    const text = cause instanceof Error ? cause.message || cause.name : String(cause);
    if (isAway(cause)) {
      return new ComponentError(
        this.#options,
        writes
          ? `lost ${this.#server} before it answered (${text}); whether the write was made is unknown`
          : `cannot reach etcd at ${this.#server}: ${text}`,
        { code: 'UNAVAILABLE', cause, ...(writes ? { retryable: false } : {}) },
      );
    }
    if (text.includes('too many requests'))
      return new ComponentError(this.#options, `etcd answered: ${text}`, {
        code: 'UNAVAILABLE',
        cause,
      });
    const denied =
      cause instanceof EtcdPermissionDeniedError ? ' (a role of the user lacks it)' : '';
    return new ComponentError(this.#options, `etcd answered: ${text}${denied}`, { cause });
  }
}

/** A read that any user with a role on the prefix may do, and that needs a leader. */
async function rangeOfNothing(
  client: Etcd3,
  root: string,
  call: { readonly deadline: Date },
): Promise<void> {
  await client.kv.range({ key: Buffer.from(root), limit: 1, keys_only: true }, call);
}

/** No answer to the request, or one that says that the cluster has no leader or is going. */
function isAway(cause: unknown): boolean {
  return (
    cause instanceof GRPCUnavailableError ||
    cause instanceof GRPCDeadlineExceededError ||
    cause instanceof GRPCCancelledError ||
    cause instanceof GRPCInternalError ||
    (cause instanceof GRPCUnknownError && !cause.message.includes('etcdserver'))
  );
}
