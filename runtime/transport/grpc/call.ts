/**
 * One call on the server's side of an HTTP/2 stream: reads messages, writes
 * messages, ends with a status exactly once, and tells its handler when the
 * client went away or the deadline passed. It knows no service.
 */
import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import type { ApiErrorName } from '../../api/error-map.ts';
import { TroupeError } from '../../core/errors.ts';
import { Deframer, frame, unpack, type Frame, type FrameLimits } from './framing.ts';
import { IncomingMessages, type Incoming } from './incoming.ts';
import { firstOf, sendable, timeoutMs, type Metadata } from './metadata.ts';
import { CODES, failureOf, GrpcError, OK, type Failure, type Status } from './status.ts';
import { trailersOf } from './trailers.ts';

const TYPE = 'application/grpc';
const HEAD = { ':status': 200, 'content-type': TYPE, 'grpc-accept-encoding': 'identity,gzip' };
const SUCCESS = { 'grpc-status': '0' };
const STREAMED = { waitForTrailers: true, sendDate: false };
const TRAILERS_ONLY = { endStream: true, sendDate: false };
/** How long a client may go on sending after its call has ended. */
const DISCARD_MS = 1000;
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** A call as handlers of one request and one reply see it. */
export interface Call {
  /** `/package.Service/Method`. */
  readonly path: string;
  /** Names in lower case; those of the transport are among them. */
  readonly headers: IncomingHttpHeaders;
  /** Aborts when the client goes away, cancels, or its deadline passes. */
  readonly signal: AbortSignal;
  /** Aborts when the server is about to close; long streams end then. */
  readonly leaving: AbortSignal;
  /** Milliseconds since the epoch. */
  readonly deadline: number | undefined;
  /** Address of the client, for example `127.0.0.1:40112`. */
  readonly peer: string;
  /** Goes out with the first message or the status. */
  addHeaders(metadata: Metadata): void;
  /** Goes out with the status. */
  addTrailers(metadata: Metadata): void;
}

/** A call whose messages come and go one by one. */
export interface StreamCall extends Call {
  /** The caller's messages in order. Errors: RESOURCE_EXHAUSTED, INTERNAL for broken framing, CANCELLED. */
  messages(): Incoming<Buffer>;
  /** Sends the headers before there is a message. */
  sendHeaders(): void;
  /** Resolves when the client has room for more. Errors: CANCELLED when it went away. */
  write(message: Uint8Array): Promise<void>;
}

export interface CallSettings {
  readonly maxBytes: number;
  readonly now: () => number;
  readonly leaving: AbortSignal;
  /** Hears of failures whose cause the client is not told. */
  readonly onFault: (error: unknown, path: string) => void;
  /** Hears of every failure. */
  readonly onFailure?: ((error: unknown, failure?: ApiErrorName) => void) | undefined;
}

function cancelled(): TroupeError {
  return new TroupeError('CANCELLED', 'the caller went away');
}

export class ServerCall implements StreamCall {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly deadline: number | undefined;
  readonly #stream: ServerHttp2Stream;
  readonly #settings: CallSettings;
  #controller: AbortController | undefined;
  #reason: TroupeError | undefined;
  #timer: NodeJS.Timeout | undefined;
  #sent: Metadata | undefined;
  #trailers: Metadata | undefined;
  #ended = false;
  #endings: ((code: number) => void)[] | undefined;

  constructor(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, settings: CallSettings) {
    this.#stream = stream;
    this.#settings = settings;
    this.headers = headers;
    this.path = headers[':path'] ?? '';
    stream.on('error', () => {});
    stream.once('close', () => this.#leave());
    const timeout = firstOf(headers['grpc-timeout']);
    if (timeout !== undefined) this.deadline = this.#start(timeoutMs(timeout), timeout);
  }

  get signal(): AbortSignal {
    if (!this.#controller) {
      this.#controller = new AbortController();
      if (this.#reason) this.#controller.abort(this.#reason);
    }
    return this.#controller.signal;
  }

  get leaving(): AbortSignal {
    return this.#settings.leaving;
  }

  get peer(): string {
    const { remoteAddress = '', remotePort = '' } = this.#stream.session?.socket ?? {};
    return `${remoteAddress}:${remotePort}`;
  }

  /** True when the call has its status or its client is gone. */
  get ended(): boolean {
    return this.#ended;
  }

  addHeaders(metadata: Metadata): void {
    this.#sent = { ...this.#sent, ...metadata };
  }

  addTrailers(metadata: Metadata): void {
    this.#trailers = { ...this.#trailers, ...metadata };
  }

  /** Has the code that the call ends with told once. */
  whenEnded(hear: (code: number) => void): void {
    (this.#endings ??= []).push(hear);
  }

  /** Reads the one message of a unary call and hands it over. */
  receive(done: (message: Buffer) => void): void {
    const stream = this.#stream;
    const limits = this.#limits();
    const deframer = new Deframer(limits.maxBytes);
    let found: Frame | undefined;
    stream.on('data', (chunk: Buffer) => {
      if (this.#ended) return;
      try {
        deframer.push(chunk);
        if (!found) found = deframer.next();
        else if (deframer.next()) {
          throw new GrpcError('INTERNAL', 'the method takes one message and got more');
        }
      } catch (error) {
        this.fail(error);
      }
    });
    stream.once('end', () => {
      if (this.#ended) return;
      try {
        deframer.end();
        if (!found) throw new GrpcError('INTERNAL', 'the method takes one message and got none');
      } catch (error) {
        this.fail(error);
        return;
      }
      if (!found.compressed) {
        done(found.bytes);
        return;
      }
      this.#unpacked(found, limits, done).catch((error: unknown) => this.fail(error));
    });
  }

  messages(): Incoming<Buffer> {
    const limits = this.#limits();
    // Stopping to read does not destroy the stream: the status is still to be sent on it.
    return new IncomingMessages(this.#stream, {
      limits: () => limits,
      over: (deframer, error) => {
        if (error) throw error instanceof GrpcError ? error : (this.#reason ?? cancelled());
        if (this.#reason) throw this.#reason;
        deframer.end();
      },
    });
  }

  sendHeaders(): void {
    const stream = this.#stream;
    if (stream.headersSent || this.#ended || stream.destroyed) return;
    const head = this.#sent ? { ...sendable(this.#sent), ...HEAD } : HEAD;
    stream.respond(head, STREAMED);
  }

  async write(message: Uint8Array): Promise<void> {
    const stream = this.#stream;
    if (this.#ended || stream.destroyed) throw this.#reason ?? cancelled();
    this.sendHeaders();
    if (stream.write(frame(message))) return;
    await new Promise<void>((resolve, reject) => {
      const settle = (): void => {
        stream.removeListener('drain', settle);
        stream.removeListener('close', settle);
        if (stream.destroyed) reject(this.#reason ?? cancelled());
        else resolve();
      };
      stream.once('drain', settle);
      stream.once('close', settle);
    });
  }

  /** Ends a unary call that went well. */
  reply(message: Uint8Array): void {
    if (!this.#end(CODES.OK)) return;
    const stream = this.#stream;
    const head = this.#sent ? { ...sendable(this.#sent), ...HEAD } : HEAD;
    stream.respond(head, STREAMED);
    const trailers = this.#trailers ? { ...sendable(this.#trailers), ...SUCCESS } : SUCCESS;
    stream.once('wantTrailers', () => stream.sendTrailers(trailers));
    stream.end(frame(message));
  }

  /** Ends the call with any status; the first end counts. */
  finish(status: Status = OK): void {
    if (!this.#end(status.code)) return;
    const stream = this.#stream;
    const trailers = trailersOf(status, this.#trailers);
    this.#discard();
    if (!stream.headersSent) {
      if (!this.#sent) {
        stream.respond({ ...HEAD, ...trailers }, TRAILERS_ONLY);
        return;
      }
      // Clients look for a handler's headers apart from the status.
      stream.respond({ ...sendable(this.#sent), ...HEAD }, STREAMED);
    }
    stream.once('wantTrailers', () => stream.sendTrailers(trailers));
    stream.end();
  }

  /** Ends the call with the status of anything thrown. */
  fail(error: unknown, failure?: ApiErrorName): void {
    this.#settings.onFailure?.(error, failure);
    const known: Failure = failureOf(error, failure);
    if (known.cause !== undefined) this.#settings.onFault(known.cause, this.path);
    if (known.trailers) this.addTrailers(known.trailers);
    this.finish(known.status);
  }

  /**
   * What the client still sends is of no use. A reset right behind the status
   * could overtake it, so a client gets time to see it and stop by itself.
   */
  #discard(): void {
    const stream = this.#stream;
    if (stream.readableEnded) return;
    stream.resume();
    const cut = setTimeout(() => stream.close(0), DISCARD_MS).unref();
    stream.once('close', () => clearTimeout(cut));
  }

  async #unpacked(one: Frame, limits: FrameLimits, done: (message: Buffer) => void): Promise<void> {
    const message = await unpack(one, limits);
    if (!this.#ended) done(message);
  }

  #limits(): FrameLimits {
    return {
      maxBytes: this.#settings.maxBytes,
      encoding: firstOf(this.headers['grpc-encoding']),
    };
  }

  #start(ms: number | undefined, text: string): number | undefined {
    if (ms === undefined) {
      this.fail(new GrpcError('INTERNAL', `malformed grpc-timeout: "${text}"`));
      return undefined;
    }
    const expire = (): void => {
      this.#abort(new TroupeError('TIMEOUT', 'the deadline of the call passed'));
      this.finish({ code: CODES.DEADLINE_EXCEEDED, message: 'context deadline exceeded' });
    };
    this.#timer = setTimeout(expire, Math.min(ms, LONGEST_TIMER_MS));
    return this.#settings.now() + ms;
  }

  /** Marks the call as ended; false when it was, or when nobody is there to hear of it. */
  #end(code: number): boolean {
    if (this.#ended) return false;
    this.#tellEnd(code);
    clearTimeout(this.#timer);
    return !this.#stream.destroyed && !this.#stream.closed;
  }

  #leave(): void {
    clearTimeout(this.#timer);
    if (this.#ended) return;
    this.#tellEnd(CODES.CANCELLED);
    this.#abort(cancelled());
  }

  #tellEnd(code: number): void {
    this.#ended = true;
    for (const hear of this.#endings ?? []) hear(code);
  }

  #abort(reason: TroupeError): void {
    this.#reason ??= reason;
    this.#controller?.abort(this.#reason);
  }
}
