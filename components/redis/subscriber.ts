/**
 * A connection to a Redis server that only listens: channels with their
 * listeners. While it is lost it is made anew with growing pauses, the channels
 * are subscribed again, and whoever listens is told that messages may be missing.
 */
import { ComponentError } from '../../runtime/core/errors.ts';
import type { ComponentOptions } from '../component.ts';
import { newClient } from './connection.ts';
import type { ConnectionSettings } from './settings.ts';

export interface ChannelListener {
  /** `channel` as the server names it, where a pattern was subscribed. */
  message(channel: string): void;
  /** Messages may have been lost before this moment, none after it. */
  restored(): void;
}

type Client = ReturnType<typeof newClient>;

/** Makes the server ready for what is subscribed, on every new connection: a server that was restarted has forgotten it. */
export type Prepare = (send: (command: string[]) => Promise<unknown>) => Promise<void>;

export class Subscriber {
  readonly #options: ComponentOptions;
  readonly #settings: ConnectionSettings;
  readonly #prepare: Prepare;
  readonly #listeners = new Set<{ readonly pattern: string; readonly listener: ChannelListener }>();
  #client: Client | undefined;
  #connecting: Promise<Client> | undefined;
  #retry: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: ComponentOptions, settings: ConnectionSettings, prepare: Prepare) {
    this.#options = options;
    this.#settings = settings;
    this.#prepare = prepare;
  }

  /** A glob pattern of Redis. Errors: ComponentError UNAVAILABLE when the server does not answer. */
  async listen(pattern: string, listener: ChannelListener): Promise<() => Promise<void>> {
    const entry = { pattern, listener };
    this.#listeners.add(entry);
    try {
      const client = await this.#open();
      await this.#subscribe(client, pattern);
    } catch (cause) {
      this.#listeners.delete(entry);
      const text = cause instanceof Error ? cause.message : String(cause);
      throw new ComponentError(this.#options, `changes cannot be listened to: ${text}`, {
        code: 'UNAVAILABLE',
        cause,
      });
    }
    return async () => {
      this.#listeners.delete(entry);
      if ([...this.#listeners].some((other) => other.pattern === pattern)) return;
      // A lost connection has no subscriptions to end.
      await this.#client?.pUnsubscribe(pattern).catch(() => {});
    };
  }

  /** Idempotent. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#retry);
    this.#listeners.clear();
    await this.#connecting?.catch(() => {});
    if (this.#client?.isOpen) this.#client.destroy();
    this.#client = undefined;
  }

  #open(): Promise<Client> {
    if (this.#closed) return Promise.reject(new Error('the component is closed'));
    if (this.#client) return Promise.resolve(this.#client);
    this.#connecting ??= this.#connect().finally(() => (this.#connecting = undefined));
    return this.#connecting;
  }

  async #connect(): Promise<Client> {
    const client = newClient(this.#settings);
    let refused: unknown;
    client.on('error', (error: unknown) => {
      refused ??= error;
      this.#drop(client, error);
    });
    const late = setTimeout(() => {
      refused = new Error(`no connection within ${this.#settings.dialTimeoutMs} ms (dialTimeout)`);
      if (client.isOpen) client.destroy();
    }, this.#settings.dialTimeoutMs);
    try {
      await client.connect();
      await this.#prepare((command) => client.sendCommand(command));
      for (const pattern of new Set([...this.#listeners].map((entry) => entry.pattern)))
        await this.#subscribe(client, pattern);
    } catch (error) {
      if (client.isOpen) client.destroy();
      throw refused ?? error;
    } finally {
      clearTimeout(late);
    }
    if (this.#closed) {
      client.destroy();
      throw new Error('the component is closed');
    }
    this.#client = client;
    return client;
  }

  async #subscribe(client: Client, pattern: string): Promise<void> {
    await client.pSubscribe(pattern, this.#deliverTo(pattern));
  }

  /** One function a pattern, since the library calls each different one. */
  readonly #deliveries = new Map<string, (message: string, channel: string) => void>();

  #deliverTo(pattern: string): (message: string, channel: string) => void {
    let deliver = this.#deliveries.get(pattern);
    if (!deliver) {
      deliver = (_message, channel) => {
        for (const entry of this.#listeners)
          if (entry.pattern === pattern) entry.listener.message(channel);
      };
      this.#deliveries.set(pattern, deliver);
    }
    return deliver;
  }

  #drop(client: Client, cause: unknown): void {
    if (this.#client !== client) return;
    this.#client = undefined;
    if (client.isOpen) client.destroy();
    if (this.#closed) return;
    this.#options.logger.warn({ component: this.#options.name, cause }, 'redis connection lost');
    this.#reconnect(this.#settings.minRetryMs);
  }

  #reconnect(pauseMs: number): void {
    this.#retry = setTimeout(() => {
      this.#open().then(
        () => {
          for (const { listener } of this.#listeners) listener.restored();
        },
        () => {
          if (!this.#closed) this.#reconnect(Math.min(pauseMs * 2, this.#settings.maxRetryMs));
        },
      );
    }, pauseMs);
    this.#retry.unref();
  }
}
