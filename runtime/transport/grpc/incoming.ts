/**
 * Messages that come in on an HTTP/2 stream, read one by one. It listens to the
 * stream itself, because an iterator of node:stream costs a short call more than
 * the rest of its reading. It knows no status; its owner says what an end means.
 */
import type { Http2Stream } from 'node:http2';
import { Deframer, unpack, type Frame, type FrameLimits } from './framing.ts';

/** Messages in order, which can tell whether more may come. */
export interface Incoming<T> extends AsyncGenerator<T, void, undefined> {
  /** True when the other side has ended its messages and all of them were taken. */
  readonly isComplete: boolean;
  /** Resolves when what has arrived by now was looked at, so that `isComplete` tells of a short call. */
  settled(): Promise<void>;
}

export interface IncomingOptions {
  readonly limits: () => FrameLimits;
  /** Hears once that there are no more messages, with what broke them off. What it throws goes to the reader. */
  readonly over: (deframer: Deframer, error: Error | undefined) => void;
  /** Hears that the reader left before the end. */
  readonly left?: (() => void) | undefined;
}

type Result = IteratorResult<Buffer, void>;

const DONE: IteratorReturnResult<void> = { done: true, value: undefined };

export class IncomingMessages implements Incoming<Buffer> {
  readonly #stream: Http2Stream;
  readonly #options: IncomingOptions;
  readonly #deframer: Deframer;
  readonly #frames: Frame[] = [];
  #state: 'new' | 'open' | 'ended' | 'over' = 'new';
  #error: Error | undefined;
  #waiting: PromiseWithResolvers<Result> | undefined;
  #ended: (() => void) | undefined;

  constructor(stream: Http2Stream, options: IncomingOptions) {
    this.#stream = stream;
    this.#options = options;
    this.#deframer = new Deframer(options.limits().maxBytes);
  }

  get isComplete(): boolean {
    const isEnded = this.#state === 'ended' || this.#state === 'over';
    return isEnded && this.#error === undefined && this.#frames.length === 0;
  }

  settled(): Promise<void> {
    if (this.#state !== 'open') return Promise.resolve();
    return new Promise((resolve) => {
      this.#ended = resolve;
      setImmediate(resolve);
    });
  }

  next(): Promise<Result> {
    if (this.#waiting) return this.#waiting.promise.then(() => this.next());
    if (this.#state === 'new') this.#start();
    const one = this.#frames.shift();
    if (one) {
      if (this.#state === 'open' && this.#frames.length === 0) this.#stream.resume();
      return this.#unpacked(one);
    }
    if (this.#state === 'over') return Promise.resolve(DONE);
    if (this.#state === 'ended') return this.#finish(this.#error);
    this.#waiting = Promise.withResolvers();
    return this.#waiting.promise;
  }

  return(): Promise<Result> {
    if (this.#state !== 'over') {
      const isNew = this.#state === 'new';
      this.#leave();
      if (!isNew) this.#options.left?.();
    }
    this.#take()?.resolve(DONE);
    return Promise.resolve(DONE);
  }

  async throw(error: unknown): Promise<Result> {
    await this.return();
    throw error;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  #start(): void {
    const stream = this.#stream;
    this.#state = 'open';
    if (stream.readableEnded) {
      this.#onEnd();
      return;
    }
    if (stream.destroyed) {
      this.#onClose();
      return;
    }
    stream.on('data', this.#onData);
    stream.once('end', this.#onEnd);
    stream.once('close', this.#onClose);
    if (stream.isPaused()) stream.resume();
  }

  readonly #onData = (chunk: Buffer): void => {
    if (this.#state !== 'open') return;
    try {
      this.#deframer.push(chunk);
      for (let one = this.#deframer.next(); one; one = this.#deframer.next()) {
        const waiting = this.#take();
        if (waiting) waiting.resolve(this.#unpacked(one));
        else this.#frames.push(one);
      }
    } catch (error) {
      this.#end(error as Error);
    }
    // The other side waits when nobody reads.
    if (this.#frames.length > 0) this.#stream.pause();
  };

  /** node:http2 also ends what the other side, or a lost connection, has cut. */
  readonly #onEnd = (): void => {
    if (this.#stream.aborted) this.#onClose();
    else this.#end(undefined);
  };

  readonly #onClose = (): void => {
    // Most have ended by now, and an error costs a walk of the stack.
    if (this.#state === 'open') this.#end(new Error('the stream closed before its end'));
  };

  #end(error: Error | undefined): void {
    if (this.#state !== 'open') return;
    this.#state = 'ended';
    this.#error = error;
    this.#ended?.();
    const waiting = this.#take();
    if (waiting) waiting.resolve(this.#finish(error));
  }

  #take(): PromiseWithResolvers<Result> | undefined {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    return waiting;
  }

  async #unpacked(one: Frame): Promise<Result> {
    if (!one.compressed) return { done: false, value: one.bytes };
    try {
      return { done: false, value: await unpack(one, this.#options.limits()) };
    } catch (error) {
      return this.#finish(error as Error);
    }
  }

  async #finish(error: Error | undefined): Promise<Result> {
    this.#leave();
    this.#options.over(this.#deframer, error);
    return DONE;
  }

  #leave(): void {
    const stream = this.#stream;
    const wasOpen = this.#state === 'open';
    this.#state = 'over';
    this.#frames.length = 0;
    stream.removeListener('data', this.#onData);
    stream.removeListener('end', this.#onEnd);
    stream.removeListener('close', this.#onClose);
    if (wasOpen) stream.pause();
  }
}

/** The same messages in another form. */
export function mapped<A, B>(messages: Incoming<A>, form: (message: A) => B): Incoming<B> {
  const done = { done: true, value: undefined } as const;
  return {
    get isComplete() {
      return messages.isComplete;
    },
    settled: () => messages.settled(),
    async next() {
      const one = await messages.next();
      if (one.done) return done;
      try {
        return { done: false, value: form(one.value) };
      } catch (error) {
        await messages.return();
        throw error;
      }
    },
    async return() {
      await messages.return();
      return done;
    },
    async throw(error) {
      await messages.throw(error);
      return done;
    },
    [Symbol.asyncIterator]() {
      return this;
    },
    async [Symbol.asyncDispose]() {
      await messages.return();
    },
  };
}
