/** One connection to an origin, for one exchange after the other. */
import type { Socket } from 'node:net';
import type { Exchange } from './exchange.ts';

export interface ConnectionOwner {
  free(connection: Connection): void;
  closed(connection: Connection): void;
}

function hangUp(): Error {
  return Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' });
}

export class Connection {
  readonly socket: Socket;
  readonly #owner: ConnectionOwner;
  #exchange: Exchange | undefined;
  #error: Error | undefined;
  #goodUntil = Infinity;
  #drained: (() => void) | undefined;

  constructor(socket: Socket, owner: ConnectionOwner) {
    this.socket = socket;
    this.#owner = owner;
    socket.on('data', (bytes: Buffer) => {
      if (this.#exchange) this.#exchange.receive(bytes);
      else socket.destroy();
    });
    socket.on('drain', () => this.#drained?.());
    socket.on('end', () => {
      this.#exchange?.closed(hangUp(), false);
      socket.destroy();
    });
    socket.on('error', (error) => {
      this.#error = error;
    });
    socket.once('close', () => {
      this.#exchange?.closed(this.#error ?? hangUp(), true);
      this.#drained?.();
      owner.closed(this);
    });
  }

  /** Whether the app still keeps it, as far as is known. */
  get isGood(): boolean {
    return !this.socket.destroyed && performance.now() < this.#goodUntil;
  }

  start(exchange: Exchange): void {
    this.#exchange = exchange;
    exchange.start(this);
  }

  /** The exchange is over, and another may follow within this time. */
  free(idleMs: number): void {
    this.#exchange = undefined;
    // What is left of the last answer may be with a slow reader still.
    if (this.socket.isPaused()) this.socket.resume();
    this.#goodUntil = performance.now() + idleMs;
    this.#owner.free(this);
  }

  /** Resolves when the socket takes more, or is closed. */
  drained(): Promise<void> {
    return new Promise((resolve) => {
      this.#drained = resolve;
    });
  }

  destroy(): void {
    this.socket.destroy();
  }
}
