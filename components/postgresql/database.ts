/**
 * A pool of connections to one PostgreSQL server. A connection on which
 * something took too long is thrown away, so that nothing waits for a server
 * that stands still; new ones are made on demand.
 */
import pg from 'pg';
import { ComponentError, isTroupeError } from '../../runtime/core/errors.ts';
import type { ComponentOptions, ComponentUsage } from '../component.ts';
import type { ConnectionSettings } from './settings.ts';

export interface Statement {
  readonly text: string;
  /** Prepared once a connection under this name. */
  readonly name?: string;
  readonly values?: unknown[];
}

/** A statement whose rows come as lists, each value made from its text by the number of its type. */
export interface ListStatement {
  readonly text: string;
  readonly values: unknown[];
  parse(type: number, text: string): unknown;
}

export interface Lists {
  readonly rows: readonly unknown[][];
  /** Rows that were found or changed. */
  readonly count: number;
}

export type Row = Readonly<Record<string, unknown>>;

/** Runs statements of one transaction, one after the other. */
export type Run = (statement: Statement) => Promise<Row[]>;

/** What a server that starts, ends or has no connection left answers. */
const AWAY = /^(?:57P0[1-5]|53300|08\w{3})$/;
/** A transaction that only has to be done again: a deadlock, or one that others overtook. */
const AGAIN = /^(?:40P01|40001)$/;

export class Database {
  readonly #options: ComponentOptions;
  readonly #pool: pg.Pool;
  readonly #server: string;
  #closing: Promise<void> | undefined;

  private constructor(options: ComponentOptions, settings: ConnectionSettings) {
    const { connection, timeoutMs, maxConnections, maxIdleMs } = settings;
    this.#options = options;
    this.#server = serverOf(connection);
    this.#pool = new pg.Pool({
      ...connection,
      max: maxConnections,
      idleTimeoutMillis: maxIdleMs,
      connectionTimeoutMillis: timeoutMs,
      query_timeout: timeoutMs,
      allowExitOnIdle: true,
      application_name: `troupe ${options.appId}`.slice(0, 63),
    });
    // What runs on a connection hears of its end by itself; without a listener it would end the process.
    this.#pool.on('connect', (client) => client.on('error', () => {}));
    this.#pool.on('error', (cause) => {
      this.#options.logger.warn({ component: options.name, cause }, 'postgresql connection lost');
    });
  }

  /** @throws ComponentError UNAVAILABLE when the server does not answer, COMPONENT when it refuses, CANCELLED when `signal` aborts. */
  static async open(
    options: ComponentOptions,
    settings: ConnectionSettings,
    signal: AbortSignal,
  ): Promise<Database> {
    const cancelled = () =>
      new ComponentError(options, 'was not opened: cancelled', {
        code: 'CANCELLED',
        cause: signal.reason,
      });
    if (signal.aborted) throw cancelled();
    const database = new Database(options, settings);
    const aborted = Promise.withResolvers<never>();
    const abort = (): void => aborted.reject(cancelled());
    signal.addEventListener('abort', abort, { once: true });
    try {
      await Promise.race([database.query({ text: 'SELECT 1' }), aborted.promise]);
      return database;
    } catch (error) {
      void database.close();
      throw error;
    } finally {
      signal.removeEventListener('abort', abort);
    }
  }

  usage(): ComponentUsage {
    const { totalCount, idleCount, waitingCount } = this.#pool;
    return { connections: totalCount, inFlight: totalCount - idleCount + waitingCount };
  }

  /** One statement by itself. `writes` says that a lost answer leaves open what happened. */
  query(statement: Statement, { writes = false } = {}): Promise<Row[]> {
    return this.#use(async (client) => (await client.query<Row>(statement)).rows, writes);
  }

  /** One statement of the caller's, of which it is not known whether it writes. */
  lists({ text, values, parse }: ListStatement): Promise<Lists> {
    return this.#use(async (client) => {
      const { rows, rowCount } = await client.query<unknown[]>({
        ...{ text, values, rowMode: 'array' },
        types: { getTypeParser: (type: number) => (value: string) => parse(type, value) },
      });
      return { rows, count: rowCount ?? 0 };
    }, true);
  }

  async #use<T>(work: (client: pg.PoolClient) => Promise<T>, writes: boolean): Promise<T> {
    const client = await this.#connect();
    try {
      const result = await work(client);
      client.release();
      return result;
    } catch (cause) {
      client.release(isBroken(cause));
      throw this.#typed(cause, writes && isBroken(cause));
    }
  }

  /**
   * All statements of `work` or none. Done again when the server says that
   * others overtook it; `work` may run more than once.
   */
  async transaction<T>(work: (run: Run) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      const client = await this.#connect();
      let isCommitting = false;
      try {
        await client.query('BEGIN');
        const result = await work(async (statement) => (await client.query<Row>(statement)).rows);
        isCommitting = true;
        await client.query('COMMIT');
        client.release();
        return result;
      } catch (cause) {
        const broken = isBroken(cause);
        if (!broken) await client.query('ROLLBACK').catch(() => {});
        client.release(broken);
        if (!broken && attempt < 5 && (cause instanceof Overtaken || AGAIN.test(codeOf(cause)))) {
          continue;
        }
        if (isTroupeError(cause)) throw cause;
        throw this.#typed(cause, isCommitting && broken);
      }
    }
  }

  close(): Promise<void> {
    this.#closing ??= this.#pool.end();
    return this.#closing;
  }

  async #connect(): Promise<pg.PoolClient> {
    try {
      return await this.#pool.connect();
    } catch (cause) {
      throw this.#typed(cause, false);
    }
  }

  #typed(cause: unknown, isUnknown: boolean): ComponentError {
    const text = cause instanceof Error ? cause.message || codeOf(cause) : String(cause);
    if (isUnknown) {
      return new ComponentError(
        this.#options,
        `lost ${this.#server} before it answered (${text}); whether the write was made is unknown`,
        { code: 'UNAVAILABLE', cause, retryable: false },
      );
    }
    if (isBroken(cause)) {
      const problem = `cannot reach postgresql at ${this.#server}: ${text}; nothing was written`;
      return new ComponentError(this.#options, problem, { code: 'UNAVAILABLE', cause });
    }
    return new ComponentError(this.#options, `postgresql answered: ${text}`, { cause });
  }
}

/** Thrown by the work of a transaction to have it done again. */
export class Overtaken extends Error {}

/** No answer of the server to the statement, or one that says that it is going. */
function isBroken(cause: unknown): boolean {
  if (cause instanceof Overtaken || isTroupeError(cause)) return false;
  return !(cause instanceof pg.DatabaseError) || AWAY.test(codeOf(cause));
}

function codeOf(cause: unknown): string {
  const { code } = cause as { code?: unknown };
  return typeof code === 'string' ? code : '';
}

function serverOf({ connectionString, host, port }: ConnectionSettings['connection']): string {
  if (connectionString === undefined) return `${host}:${port ?? 5432}`;
  const url = new URL(connectionString);
  return `${host ?? url.hostname}:${port ?? (url.port || 5432)}`;
}
