/**
 * A connection of its own that listens to channels of a PostgreSQL server.
 * While it is lost it is made anew with growing pauses, and whoever listens is
 * told that notifications may be missing.
 */
import { Socket } from 'node:net';
import pg from 'pg';
import { ComponentError } from '../../runtime/core/errors.ts';
import type { ComponentOptions } from '../component.ts';
import type { ConnectionSettings } from './settings.ts';

const MIN_RETRY_MS = 50;
const MAX_RETRY_MS = 1_000;
/** How often a quiet connection is asked whether it is still there. */
const PROBE_MS = 10_000;

export interface ChannelListener {
  notified(payload: string): void;
  /** Notifications may have been lost before this moment, none after it. */
  restored(): void;
}

interface Entry {
  readonly channel: string;
  readonly listener: ChannelListener;
}

export class Listener {
  readonly #options: ComponentOptions;
  readonly #settings: ConnectionSettings;
  readonly #entries = new Set<Entry>();
  #client: pg.Client | undefined;
  /** Under the client. */
  #socket: Socket | undefined;
  #connecting: Promise<pg.Client> | undefined;
  #retry: NodeJS.Timeout | undefined;
  #probe: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(options: ComponentOptions, settings: ConnectionSettings) {
    this.#options = options;
    this.#settings = settings;
  }

  /** Resolves when every later notification will be told; to what ends it. @throws ComponentError UNAVAILABLE */
  async listen(channel: string, listener: ChannelListener): Promise<() => void> {
    const entry = { channel, listener };
    this.#entries.add(entry);
    try {
      const client = await this.#open();
      await client.query(`LISTEN ${pg.escapeIdentifier(channel)}`);
    } catch (cause) {
      this.#entries.delete(entry);
      const { name, type } = this.#options;
      const problem = `cannot listen to channel "${channel}": ${(cause as Error).message}`;
      throw new ComponentError({ name, type }, problem, { code: 'UNAVAILABLE', cause });
    }
    return () => void this.#entries.delete(entry);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#retry);
    this.#entries.clear();
    await this.#connecting?.catch(() => {});
    clearInterval(this.#probe);
    this.#client = undefined;
    // There is nothing to finish, and a server that stands still would not answer a goodbye.
    this.#socket?.destroy();
  }

  #open(): Promise<pg.Client> {
    if (this.#client) return Promise.resolve(this.#client);
    this.#connecting ??= this.#connect().finally(() => (this.#connecting = undefined));
    return this.#connecting;
  }

  async #connect(): Promise<pg.Client> {
    const { connection, timeoutMs } = this.#settings;
    const socket = new Socket();
    const client = new pg.Client({
      ...connection,
      stream: () => socket,
      ...{ connectionTimeoutMillis: timeoutMs, query_timeout: timeoutMs, keepAlive: true },
      application_name: `troupe ${this.#options.appId} listener`.slice(0, 63),
    });
    client.on('error', (cause) => this.#drop(client, cause));
    client.on('end', () => this.#drop(client, new Error('the server ended the connection')));
    client.on('notification', ({ channel, payload = '' }) => {
      for (const entry of this.#entries)
        if (entry.channel === channel) entry.listener.notified(payload);
    });
    try {
      await client.connect();
      for (const channel of new Set([...this.#entries].map((entry) => entry.channel)))
        await client.query(`LISTEN ${pg.escapeIdentifier(channel)}`);
    } catch (cause) {
      void client.end().catch(() => {});
      throw cause;
    }
    this.#client = client;
    this.#socket = socket;
    this.#probe = setInterval(() => {
      client.query('SELECT 1').catch((cause: unknown) => this.#drop(client, cause));
    }, PROBE_MS);
    this.#probe.unref();
    return client;
  }

  #drop(client: pg.Client, cause: unknown): void {
    if (this.#client !== client) return;
    this.#client = undefined;
    clearInterval(this.#probe);
    void client.end().catch(() => {});
    if (this.#isClosed) return;
    const { name, logger } = this.#options;
    logger.warn({ component: name, cause }, 'postgresql listener lost');
    this.#reconnect(MIN_RETRY_MS);
  }

  #reconnect(pauseMs: number): void {
    this.#retry = setTimeout(() => {
      this.#open().then(
        () => {
          for (const { listener } of this.#entries) listener.restored();
        },
        () => {
          if (!this.#isClosed) this.#reconnect(Math.min(pauseMs * 2, MAX_RETRY_MS));
        },
      );
    }, pauseMs);
    this.#retry.unref();
  }
}
