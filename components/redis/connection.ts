/**
 * One pipelined connection to a Redis server: what is asked in one turn of the
 * event loop travels together. While it is lost, requests fail at once and it
 * is made anew behind their backs, with growing pauses. An answer that is
 * overdue ends the connection, so that nothing waits for a server that stands
 * still. Sockets live in real time: these pauses do not use the component's
 * clock, which may be a virtual one.
 */
import { createClient, ErrorReply, RESP_TYPES } from '@redis/client';
import { ComponentError, isTroupeError } from '../../runtime/core/errors.ts';
import type { ComponentOptions, ComponentUsage } from '../component.ts';
import type { ConnectionSettings } from './settings.ts';

/** A Lua script and its SHA-1, by which Redis knows it once it was loaded. */
export interface Script {
  readonly text: string;
  readonly sha: string;
}

/** A client of the library that connects once and never again by itself. */
export function newClient(settings: ConnectionSettings) {
  const { host, port, tls, username, password, database } = settings;
  const common = { host, port, connectTimeout: settings.dialTimeoutMs };
  return createClient({
    RESP: 2,
    commandOptions: { typeMapping: { [RESP_TYPES.BLOB_STRING]: Buffer } },
    disableOfflineQueue: true,
    disableClientInfo: true,
    maintNotifications: 'disabled',
    database,
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    socket: tls
      ? {
          ...common,
          reconnectStrategy: false,
          tls: true,
          rejectUnauthorized: tls.verify,
          ...(tls.cert === undefined ? {} : { cert: tls.cert }),
          ...(tls.key === undefined ? {} : { key: tls.key }),
        }
      : { ...common, reconnectStrategy: false },
  });
}

type Client = ReturnType<typeof newClient>;

/** Replies that say that the server will take the request later. */
const LATER = /^(LOADING|BUSY|MASTERDOWN|READONLY|TRYAGAIN|CLUSTERDOWN|MISCONF|NOREPLICAS)\b/;

export class Connection {
  readonly #options: ComponentOptions;
  readonly #settings: ConnectionSettings;
  readonly #scripts: readonly Script[];
  /** With the moment at which each is overdue, in the order of sending, which is that of the answers. */
  readonly #pending = new Map<Promise<unknown>, number>();
  /** One timer for all, since a timer for each request would cost more than the request. */
  #overdue: NodeJS.Timeout | undefined;
  #client: Client | undefined;
  #retry: NodeJS.Timeout | undefined;
  #lastLoss: unknown;
  #closed = false;

  private constructor(
    options: ComponentOptions,
    settings: ConnectionSettings,
    scripts: readonly Script[],
  ) {
    this.#options = options;
    this.#settings = settings;
    this.#scripts = scripts;
  }

  /** @throws ComponentError UNAVAILABLE when the server does not answer, COMPONENT when it refuses, CANCELLED when `signal` aborts. */
  static async open(
    options: ComponentOptions,
    settings: ConnectionSettings,
    { scripts, signal }: { scripts: readonly Script[]; signal: AbortSignal },
  ): Promise<Connection> {
    const connection = new Connection(options, settings, scripts);
    const cancelled = new ComponentError(options, 'was not opened: cancelled', {
      code: 'CANCELLED',
      cause: signal.reason,
    });
    if (signal.aborted) throw cancelled;
    const aborted = Promise.withResolvers<never>();
    const abort = (): void => aborted.reject(cancelled);
    signal.addEventListener('abort', abort, { once: true });
    try {
      await Promise.race([connection.#connect(), aborted.promise]);
    } catch (error) {
      connection.#closed = true;
      connection.#client?.destroy();
      if (isTroupeError(error)) throw error;
      throw connection.#typed(error, false);
    } finally {
      signal.removeEventListener('abort', abort);
    }
    return connection;
  }

  /** Runs one of the scripts it was opened with. `writes` says whether a lost answer leaves open what happened. */
  async run(script: Script, args: readonly (string | Buffer)[], writes: boolean): Promise<unknown> {
    try {
      return await this.send(['EVALSHA', script.sha, '0', ...args], writes);
    } catch (error) {
      const { cause } = error as { cause?: unknown };
      if (!(cause instanceof ErrorReply) || !cause.message.startsWith('NOSCRIPT')) throw error;
      return this.send(['EVAL', script.text, '0', ...args], writes);
    }
  }

  async send(command: readonly (string | Buffer)[], writes: boolean): Promise<unknown> {
    if (this.#closed)
      throw new ComponentError(this.#options, 'is closed; create it again to use it');
    const client = this.#client;
    if (!client?.isReady) throw this.#lost();
    const { readTimeoutMs } = this.#settings;
    const reply = client.sendCommand(command);
    this.#pending.set(reply, performance.now() + readTimeoutMs);
    if (!this.#overdue) this.#lookAgain(readTimeoutMs);
    try {
      return await reply;
    } catch (error) {
      throw this.#typed(error, writes);
    } finally {
      this.#pending.delete(reply);
    }
  }

  #lookAgain(delayMs: number): void {
    this.#overdue = setTimeout(() => {
      this.#overdue = undefined;
      const [first] = this.#pending.values();
      if (first === undefined || !this.#client) return;
      const left = Math.ceil(first - performance.now());
      if (left > 0) return this.#lookAgain(left);
      const { readTimeoutMs } = this.#settings;
      const problem = `no answer within ${readTimeoutMs} ms (readTimeout); the connection is made anew`;
      this.#drop(this.#client, new Error(problem));
    }, delayMs).unref();
  }

  usage(): ComponentUsage {
    return { connections: this.#client?.isReady ? 1 : 0, inFlight: this.#pending.size };
  }

  /** Lets what was sent be answered, at most `readTimeout` long. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#retry);
    await Promise.allSettled(this.#pending.keys());
    clearTimeout(this.#overdue);
    if (this.#client?.isOpen) this.#client.destroy();
    this.#client = undefined;
  }

  async #connect(): Promise<void> {
    const client = newClient(this.#settings);
    this.#client = client;
    let refused: unknown;
    client.on('error', (error: unknown) => {
      refused ??= error;
      if (ready) this.#drop(client, error);
    });
    let ready = false;
    // The library's own limit covers the socket, not a server that accepts and stays silent.
    const late = setTimeout(() => {
      refused = new Error(`no connection within ${this.#settings.dialTimeoutMs} ms (dialTimeout)`);
      if (client.isOpen) client.destroy();
    }, this.#settings.dialTimeoutMs);
    try {
      await client.connect();
      // Also after a restart of the server, which forgets them.
      const loads = this.#scripts.map(({ text }) => client.sendCommand(['SCRIPT', 'LOAD', text]));
      await Promise.all(loads);
    } catch (error) {
      if (client.isOpen) client.destroy();
      throw refused ?? error;
    } finally {
      clearTimeout(late);
    }
    if (this.#closed) return client.destroy();
    ready = true;
  }

  #drop(client: Client, cause: unknown): void {
    if (this.#client !== client) return;
    this.#lastLoss = cause;
    // Rejects whatever waits for an answer, which is what close() waits for.
    if (client.isOpen) client.destroy();
    if (this.#closed) return;
    this.#client = undefined;
    this.#options.logger.warn({ component: this.#options.name, cause }, 'redis connection lost');
    this.#reconnect(this.#settings.minRetryMs);
  }

  #reconnect(pauseMs: number): void {
    this.#retry = setTimeout(() => {
      this.#connect().then(
        () => {
          if (this.#closed) return;
          const { name } = this.#options;
          this.#options.logger.info({ component: name }, 'redis connection restored');
        },
        (cause: unknown) => {
          this.#lastLoss = cause;
          if (!this.#closed) this.#reconnect(Math.min(pauseMs * 2, this.#settings.maxRetryMs));
        },
      );
    }, pauseMs);
    this.#retry.unref();
  }

  #lost(): ComponentError {
    return new ComponentError(
      this.#options,
      `the connection to ${this.#server} is lost and being made anew; nothing was sent`,
      { code: 'UNAVAILABLE', cause: this.#lastLoss },
    );
  }

  get #server(): string {
    return `${this.#settings.host}:${this.#settings.port}`;
  }

  #typed(cause: unknown, writes: boolean): ComponentError {
    const text = cause instanceof Error ? cause.message || String(cause) : String(cause);
    if (cause instanceof ErrorReply) {
      const code = LATER.test(text) ? 'UNAVAILABLE' : 'COMPONENT';
      return new ComponentError(this.#options, `redis answered: ${text}`, { code, cause });
    }
    const reason = (this.#lastLoss as Error | undefined)?.message ?? text;
    return new ComponentError(
      this.#options,
      writes
        ? `lost ${this.#server} before it answered (${reason}); whether the write was made is unknown`
        : `cannot reach redis at ${this.#server}: ${reason}`,
      { code: 'UNAVAILABLE', cause, ...(writes ? { retryable: false } : {}) },
    );
  }
}
