/**
 * The body of an answer while it arrives. What nobody has read yet is kept up
 * to a limit, past which the connection is told to wait; what came with the
 * head can be taken at once, without a stream.
 */

/** Of the connection that the bytes come from. */
export interface Flow {
  pause(): void;
  resume(): void;
  /** Nobody wants the rest. */
  giveUp(): void;
}

const MAX_WAITING_BYTES = 64 * 1024;
const NO_BYTES = new Uint8Array(0);

export class ArrivingBytes implements AsyncIterable<Uint8Array> {
  readonly #flow: Flow;
  #chunks: Uint8Array[] = [];
  #waiting = 0;
  #isPaused = false;
  #isTaken = false;
  #hasEnded = false;
  #error: Error | undefined;
  #wake: (() => void) | undefined;

  constructor(flow: Flow) {
    this.#flow = flow;
  }

  push(chunk: Uint8Array): void {
    this.#chunks.push(chunk);
    this.#waiting += chunk.byteLength;
    if (this.#waiting > MAX_WAITING_BYTES && !this.#isPaused) {
      this.#isPaused = true;
      this.#flow.pause();
    }
    this.#wake?.();
  }

  end(): void {
    this.#hasEnded = true;
    this.#wake?.();
  }

  /** Read after what has arrived before. */
  fail(error: Error): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#error = error;
    this.#wake?.();
  }

  /** All of it, if all has arrived and nobody reads it yet. */
  whole(): Uint8Array | undefined {
    if (!this.#hasEnded || this.#error || this.#isTaken) return undefined;
    this.#isTaken = true;
    const chunks = this.#chunks;
    this.#chunks = [];
    return chunks.length > 1 ? Buffer.concat(chunks) : (chunks[0] ?? NO_BYTES);
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    this.#isTaken = true;
    return { next: () => this.#next(), return: () => this.#return() };
  }

  async #next(): Promise<IteratorResult<Uint8Array>> {
    while (this.#chunks.length === 0) {
      if (this.#error) throw this.#error;
      if (this.#hasEnded) return { done: true, value: undefined };
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#wake = undefined;
    }
    const value = this.#chunks.shift()!;
    this.#waiting -= value.byteLength;
    if (this.#isPaused && this.#waiting <= MAX_WAITING_BYTES) {
      this.#isPaused = false;
      this.#flow.resume();
    }
    return { done: false, value };
  }

  #return(): Promise<IteratorResult<Uint8Array>> {
    this.#chunks = [];
    if (!this.#hasEnded) {
      this.#hasEnded = true;
      this.#flow.giveUp();
    }
    return Promise.resolve({ done: true, value: undefined });
  }
}
