/**
 * gRPC calls out, straight on node:http2 as the server is: raw messages of any
 * method, so that the proxy and the typed callers share one client. One
 * connection, opened when a call needs it and again after it was lost.
 */
import {
  connect,
  constants,
  type ClientHttp2Session,
  type ClientHttp2Stream,
  type IncomingHttpHeaders,
} from 'node:http2';
import { TroupeError } from '../../core/errors.ts';
import { Deframer, frame, unpack } from './framing.ts';
import {
  binaryOf,
  decodeMessage,
  firstOf,
  metadataOf,
  sendable,
  timeoutText,
  type Metadata,
} from './metadata.ts';
import { codeOfHttp, CODES, GrpcError, type Status } from './status.ts';

export interface GrpcClientOptions {
  readonly host: string;
  readonly port: number;
  /** Use TLS; the app's certificate is not verified, as daprd does for `grpcs`. Default false. */
  readonly tls?: boolean | undefined;
  /** Largest message received, in bytes. */
  readonly maxMessageBytes: number;
}

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
  /** No more messages from here. */
  end(): void;
  /** Initial metadata; undefined when the call ended without any. */
  readonly headers: Promise<Metadata | undefined>;
  /** Messages of the other side, until it ends the call; `ended` has the outcome then. */
  messages(): AsyncGenerator<Buffer, void, undefined>;
  /** Resolves when the call is over, whatever came of it. */
  readonly ended: Promise<Ended>;
  cancel(): void;
}

export interface Ended {
  readonly status: Status;
  readonly trailers: Metadata;
}

export interface UnaryReply {
  readonly message: Buffer;
  readonly headers: Metadata;
  readonly trailers: Metadata;
}

export interface GrpcClient extends AsyncDisposable {
  call(path: string, options?: OutgoingOptions): OutgoingCall;
  /** Errors: GrpcError with the status that is not OK. */
  unary(path: string, message: Uint8Array, options?: OutgoingOptions): Promise<UnaryReply>;
  close(): Promise<void>;
}

const WINDOW = 1024 * 1024;
const CONNECTION_WINDOW = 16 * 1024 * 1024;

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

class RunningCall implements OutgoingCall {
  readonly #stream: ClientHttp2Stream;
  readonly #maxBytes: number;
  readonly #headers = Promise.withResolvers<Metadata | undefined>();
  readonly #ended = Promise.withResolvers<Ended>();
  #status: Status | undefined;
  #trailers: Metadata = {};
  #encoding: string | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(stream: ClientHttp2Stream, maxBytes: number, options: OutgoingOptions) {
    this.#stream = stream;
    this.#maxBytes = maxBytes;
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

  end(): void {
    if (!this.#stream.destroyed) this.#stream.end();
  }

  async *messages(): AsyncGenerator<Buffer, void, undefined> {
    const deframer = new Deframer(this.#maxBytes);
    const limits = (): { maxBytes: number; encoding: string | undefined } => ({
      maxBytes: this.#maxBytes,
      encoding: this.#encoding,
    });
    try {
      for await (const chunk of this.#stream as AsyncIterable<Buffer>) {
        deframer.push(chunk);
        for (let one = deframer.next(); one; one = deframer.next()) {
          yield await unpack(one, limits());
        }
      }
    } catch (error) {
      if (error instanceof GrpcError) this.#give(error.status);
    } finally {
      if (!this.#stream.destroyed && !this.#stream.readableEnded) this.cancel();
    }
  }

  cancel(): void {
    this.#give({ code: CODES.CANCELLED, message: 'context canceled' });
  }

  /** Ends the call from this side. */
  #give(status: Status): void {
    this.#status ??= status;
    if (!this.#stream.closed) this.#stream.close(constants.NGHTTP2_CANCEL);
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
    const status = this.#status ?? statusOfReset(this.#stream.rstCode ?? 0);
    this.#headers.resolve(undefined);
    this.#ended.resolve({ status, trailers: this.#trailers });
  }
}

/** A connection and the calls that run on it. */
interface Connection {
  readonly http2: ClientHttp2Session;
  calls: number;
}

export function createGrpcClient(options: GrpcClientOptions): GrpcClient {
  const { host, port, tls = false, maxMessageBytes } = options;
  const scheme = tls ? 'https' : 'http';
  const authority = `${host.includes(':') ? `[${host}]` : host}:${port}`;
  let session: Connection | undefined;
  let isClosed = false;

  function open(): Connection {
    if (session && !session.http2.closed && !session.http2.destroyed) return session;
    if (isClosed) throw new TroupeError('UNAVAILABLE', `the client of ${authority} is closed`);
    const fresh = connect(`${scheme}://${authority}`, {
      rejectUnauthorized: false,
      settings: { enablePush: false, initialWindowSize: WINDOW },
    });
    fresh.on('error', () => {});
    fresh.once('connect', () => fresh.setLocalWindowSize(CONNECTION_WINDOW));
    const opened: Connection = { http2: fresh, calls: 0 };
    const forget = (): void => {
      if (session === opened) session = undefined;
    };
    fresh.once('close', forget);
    fresh.once('goaway', forget);
    // An idle connection keeps no process alive; calls hold it while they run.
    fresh.unref();
    session = opened;
    return opened;
  }

  function call(path: string, given: OutgoingOptions = {}): OutgoingCall {
    const { metadata, timeoutMs } = given;
    const target = open();
    target.http2.ref();
    const stream = target.http2.request({
      ...(metadata ? sendable(metadata) : {}),
      ':method': 'POST',
      ':path': path,
      'content-type': 'application/grpc',
      te: 'trailers',
      'grpc-accept-encoding': 'identity,gzip',
      ...(timeoutMs === undefined ? {} : { 'grpc-timeout': timeoutText(timeoutMs) }),
    });
    target.calls++;
    stream.once('close', () => {
      target.calls--;
      if (target.calls === 0 && !target.http2.destroyed) target.http2.unref();
    });
    return new RunningCall(stream, maxMessageBytes, given);
  }

  async function unary(
    path: string,
    message: Uint8Array,
    given?: OutgoingOptions,
  ): Promise<UnaryReply> {
    const running = call(path, given);
    void running.write(message);
    running.end();
    let reply: Buffer | undefined;
    for await (const one of running.messages()) reply ??= one;
    const { status, trailers } = await running.ended;
    if (status.code !== CODES.OK) {
      throw new GrpcError(status.code, status.message, { detailBytes: status.details, trailers });
    }
    if (!reply) throw new GrpcError('INTERNAL', `${path} answered OK without a message`);
    return { message: reply, headers: (await running.headers) ?? {}, trailers };
  }

  const close = (): Promise<void> => {
    isClosed = true;
    session?.http2.destroy();
    return Promise.resolve();
  };
  return { call, unary, close, [Symbol.asyncDispose]: close };
}
