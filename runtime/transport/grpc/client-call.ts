/** One call on the client's side of an HTTP/2 stream, from its first message to its status. */
import { constants, type ClientHttp2Stream, type IncomingHttpHeaders } from 'node:http2';
import { addAbortSignal } from 'node:stream';
import { frame } from './framing.ts';
import { IncomingMessages, type Incoming } from './incoming.ts';
import { binaryOf, decodeMessage, firstOf, metadataOf, type Metadata } from './metadata.ts';
import { codeOfHttp, CODES, GrpcError, type Status } from './status.ts';

export interface OutgoingOptions {
  readonly metadata?: Metadata | undefined;
  /** Milliseconds that the call may take. Default: no bound. */
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A call under way. */
export interface OutgoingCall {
  /** Resolves when the client has room for more; writing to a call that ended does nothing. */
  write(message: Uint8Array): Promise<void>;
  /** No more messages from here after this one, if there is one. */
  end(message?: Uint8Array): void;
  /** Initial metadata; undefined when the call ended without any. */
  readonly headers: Promise<Metadata | undefined>;
  /** Messages of the other side, until it ends the call; `ended` has the outcome then. */
  messages(): Incoming<Buffer>;
  /** Known as soon as it came, which is before `ended` resolves. */
  readonly status: Status | undefined;
  /** Resolves when the call is over, whatever came of it. */
  readonly ended: Promise<Ended>;
  cancel(): void;
}

export interface Ended {
  readonly status: Status;
  /** True: the other side cannot have begun with it. */
  readonly unsent: boolean;
  readonly trailers: Metadata;
}

function statusOf(headers: IncomingHttpHeaders): Status | undefined {
  const text = firstOf(headers['grpc-status']);
  if (text === undefined) return undefined;
  const code = /^\d{1,3}$/.test(text) ? Number(text) : CODES.UNKNOWN;
  return {
    code,
    message: decodeMessage(firstOf(headers['grpc-message']) ?? ''),
    details: binaryOf(headers['grpc-status-details-bin']),
  };
}

function statusOfHttp(status: number): Status {
  const code = status === 200 ? CODES.UNKNOWN : codeOfHttp(status);
  return { code, message: `unexpected HTTP status code received from server: ${status}` };
}

/** A stream that ended without a status. */
function statusOfReset(code: number): Status {
  const { NGHTTP2_CANCEL, NGHTTP2_REFUSED_STREAM, NGHTTP2_ENHANCE_YOUR_CALM } = constants;
  const message = `stream terminated by RST_STREAM with error code ${code}`;
  if (code === NGHTTP2_CANCEL) return { code: CODES.CANCELLED, message };
  if (code === NGHTTP2_REFUSED_STREAM) return { code: CODES.UNAVAILABLE, message };
  if (code === NGHTTP2_ENHANCE_YOUR_CALM) return { code: CODES.RESOURCE_EXHAUSTED, message };
  if (code === 0) return { code: CODES.UNAVAILABLE, message: 'the connection was closed' };
  return { code: CODES.INTERNAL, message };
}

export class RunningCall implements OutgoingCall {
  readonly #stream: ClientHttp2Stream;
  readonly #maxBytes: number;
  readonly #headers = Promise.withResolvers<Metadata | undefined>();
  readonly #ended = Promise.withResolvers<Ended>();
  #status: Status | undefined;
  #trailers: Metadata = {};
  #encoding: string | undefined;
  #timer: NodeJS.Timeout | undefined;

  readonly #connection: { readonly isUp: boolean };

  constructor(
    stream: ClientHttp2Stream,
    maxBytes: number,
    options: OutgoingOptions,
    connection: { readonly isUp: boolean },
  ) {
    this.#stream = stream;
    this.#maxBytes = maxBytes;
    this.#connection = connection;
    stream.once('response', (headers) => this.#onResponse(headers));
    stream.once('trailers', (headers) => {
      this.#status ??= statusOf(headers);
      this.#trailers = metadataOf(headers);
    });
    stream.once('error', (error) => {
      this.#status ??= {
        code: CODES.UNAVAILABLE,
        message: `the call broke off: ${error.message}`,
      };
    });
    stream.once('close', () => this.#onClose());
    const { signal, timeoutMs } = options;
    if (signal) {
      const abort = (): void => this.cancel();
      if (signal.aborted) abort();
      else {
        signal.addEventListener('abort', abort, { once: true });
        stream.once('close', () => signal.removeEventListener('abort', abort));
      }
    }
    if (timeoutMs !== undefined) {
      this.#timer = setTimeout(
        () => this.#give({ code: CODES.DEADLINE_EXCEEDED, message: 'context deadline exceeded' }),
        Math.min(timeoutMs, 2 ** 31 - 1),
      );
    }
  }

  get headers(): Promise<Metadata | undefined> {
    return this.#headers.promise;
  }

  get status(): Status | undefined {
    return this.#status;
  }

  get ended(): Promise<Ended> {
    return this.#ended.promise;
  }

  async write(message: Uint8Array): Promise<void> {
    const stream = this.#stream;
    if (stream.destroyed || stream.writableEnded) return;
    if (stream.write(frame(message))) return;
    await new Promise<void>((resolve) => {
      const settle = (): void => {
        stream.removeListener('drain', settle);
        stream.removeListener('close', settle);
        resolve();
      };
      stream.once('drain', settle);
      stream.once('close', settle);
    });
  }

  end(message?: Uint8Array): void {
    const stream = this.#stream;
    if (stream.destroyed || stream.writableEnded) return;
    if (message) stream.end(frame(message));
    else stream.end();
  }

  messages(): Incoming<Buffer> {
    const left = (): void => {
      if (!this.#stream.destroyed && !this.#stream.readableEnded) this.cancel();
    };
    return new IncomingMessages(this.#stream, {
      limits: () => ({ maxBytes: this.#maxBytes, encoding: this.#encoding }),
      over: (_deframer, error) => {
        if (error instanceof GrpcError) this.#give(error.status);
        left();
      },
      left,
    });
  }

  cancel(): void {
    this.#give({ code: CODES.CANCELLED, message: 'context canceled' });
  }

  /**
   * Ends the call from this side. `close` of node:http2 would send the end of the
   * messages before the reset, and a call cut in the middle would look like a whole one.
   */
  #give(status: Status): void {
    this.#status ??= status;
    if (!this.#stream.closed) addAbortSignal(AbortSignal.abort(), this.#stream);
  }

  #onResponse(headers: IncomingHttpHeaders): void {
    this.#encoding = firstOf(headers['grpc-encoding']);
    const status = statusOf(headers);
    if (status) {
      this.#status ??= status;
      this.#trailers = metadataOf(headers);
    } else {
      const answered = Number(headers[':status']);
      if (answered !== 200) this.#give(statusOfHttp(answered));
    }
    this.#headers.resolve(status ? undefined : metadataOf(headers));
  }

  #onClose(): void {
    clearTimeout(this.#timer);
    const { rstCode } = this.#stream;
    const status = this.#status ?? statusOfReset(rstCode ?? 0);
    const unsent = !this.#connection.isUp || rstCode === constants.NGHTTP2_REFUSED_STREAM;
    this.#headers.resolve(undefined);
    this.#ended.resolve({ status, unsent, trailers: this.#trailers });
  }
}
