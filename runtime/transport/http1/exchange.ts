/**
 * One request and its answer on a connection that serves nothing else
 * meanwhile. It is over when the answer has ended and the request is sent, or
 * when either failed; the answer may end first.
 */
import { latin1, ONE_WRITE_BYTES } from '../http-response.ts';
import { AnswerReader, type AnswerSink } from './answer-reader.ts';
import { ArrivingBytes, type Flow } from './arriving-bytes.ts';
import type { Connection } from './connection.ts';
import { requestHead, type AnswerHead, type AnswerHeaders, type RequestHead } from './head.ts';

export interface HttpRequest extends Omit<RequestHead, 'host' | 'framing'> {
  readonly body?: AsyncIterable<Uint8Array> | Uint8Array | undefined;
  /** Aborting ends the request and its answer. */
  readonly signal?: AbortSignal | undefined;
}

/** Its body must be read to the end, or ended by `return`, so that the connection is free again. */
export interface HttpAnswer {
  readonly status: number;
  readonly headers: AnswerHeaders;
  readonly body: AsyncIterable<Uint8Array>;
  /** Takes the body at once where all of it has arrived; `body` is not to be read then. */
  readonly whole: () => Uint8Array | undefined;
  /** What came behind the body, once it was read to its end. */
  readonly trailers: () => Readonly<Record<string, string>>;
}

/** Methods whose requests say that they have no body by having no length. */
const WITHOUT_BODY = new Set(['GET', 'HEAD', 'DELETE', 'OPTIONS', 'TRACE', 'CONNECT']);

const CHUNKED = 'transfer-encoding: chunked';

function framingOf({ method, headers, body }: HttpRequest): string | undefined {
  if (body instanceof Uint8Array) return `content-length: ${body.byteLength}`;
  const given = headers?.['content-length'];
  if (body !== undefined) {
    return typeof given === 'string' && /^\d+$/.test(given) ? `content-length: ${given}` : CHUNKED;
  }
  return given === undefined && WITHOUT_BODY.has(method) ? undefined : 'content-length: 0';
}

export class Exchange implements AnswerSink, Flow {
  readonly #request: HttpRequest;
  readonly #framing: string | undefined;
  readonly #head: string;
  readonly #resolve: (answer: HttpAnswer) => void;
  readonly #reject: (error: Error) => void;
  readonly #reader: AnswerReader;
  readonly #abort = (): void => this.fail(new Error('the caller went away'));
  #connection: Connection | undefined;
  #bytes: ArrivingBytes | undefined;
  #trailers: Readonly<Record<string, string>> = {};
  #isSent = false;
  #isOver = false;

  /** Errors: TypeError for what cannot be sent. */
  constructor(
    request: HttpRequest,
    host: string,
    settled: { resolve(answer: HttpAnswer): void; reject(error: Error): void },
  ) {
    const { method, path, headers, signal } = request;
    this.#request = request;
    this.#framing = framingOf(request);
    this.#head = requestHead({ method, path, host, headers, framing: this.#framing });
    this.#resolve = settled.resolve;
    this.#reject = settled.reject;
    this.#reader = new AnswerReader(method === 'HEAD', this);
    if (signal?.aborted) this.#abort();
    else signal?.addEventListener('abort', this.#abort);
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  start(connection: Connection): void {
    this.#connection = connection;
    const { socket } = connection;
    const { body } = this.#request;
    if (body instanceof Uint8Array && body.byteLength <= ONE_WRITE_BYTES) {
      socket.write(this.#head + latin1(body), 'latin1');
    } else {
      // The app may answer before a body comes, so the head goes ahead of it.
      socket.write(this.#head, 'latin1');
      if (body !== undefined && !(body instanceof Uint8Array)) {
        void this.#send(body, connection);
        return;
      }
      if (body) socket.write(body);
    }
    this.#isSent = true;
  }

  /** Bytes from the connection. */
  receive(bytes: Buffer): void {
    try {
      this.#reader.push(bytes);
    } catch (error) {
      this.fail(error as Error);
      return;
    }
    this.#settle();
  }

  /** The connection will send nothing more; `isBroken`: without having said so. */
  closed(error: Error, isBroken: boolean): void {
    if (this.#isOver) return;
    if (this.#reader.finish(isBroken)) this.#settle();
    else this.fail(this.#bytes ? new Error('the answer was aborted') : error);
  }

  fail(error: Error): void {
    if (this.#isOver) return;
    this.#over();
    if (this.#bytes) this.#bytes.fail(error);
    else this.#reject(error);
    this.#connection?.destroy();
  }

  head({ status, headers }: AnswerHead): void {
    const bytes = new ArrivingBytes(this);
    this.#bytes = bytes;
    this.#resolve({
      status,
      headers,
      body: bytes,
      whole: () => bytes.whole(),
      trailers: () => this.#trailers,
    });
  }

  data(bytes: Buffer): void {
    this.#bytes!.push(bytes);
  }

  end(trailers: Readonly<Record<string, string>>): void {
    this.#trailers = trailers;
    this.#bytes!.end();
  }

  pause(): void {
    if (!this.#isOver) this.#connection!.socket.pause();
  }

  resume(): void {
    if (!this.#isOver) this.#connection!.socket.resume();
  }

  giveUp(): void {
    this.fail(new Error('nobody reads the answer'));
  }

  async #send(body: AsyncIterable<Uint8Array>, connection: Connection): Promise<void> {
    const { socket } = connection;
    const isChunked = this.#framing === CHUNKED;
    let left = isChunked ? Infinity : Number(this.#framing!.slice('content-length: '.length));
    try {
      for await (const chunk of body) {
        if (this.#isOver) return;
        left -= chunk.byteLength;
        if (left < 0) throw new Error('the request is longer than its content-length');
        if (chunk.byteLength === 0) continue;
        socket.cork();
        if (isChunked) socket.write(`${chunk.byteLength.toString(16)}\r\n`, 'latin1');
        let hasRoom = socket.write(chunk);
        if (isChunked) hasRoom = socket.write('\r\n', 'latin1');
        socket.uncork();
        if (!hasRoom && socket.writableNeedDrain) await connection.drained();
      }
      if (this.#isOver) return;
      if (isChunked) socket.write('0\r\n\r\n', 'latin1');
      else if (left > 0) throw new Error('the request is shorter than its content-length');
      this.#isSent = true;
      this.#settle();
    } catch (error) {
      this.fail(error as Error);
    }
  }

  #settle(): void {
    const { isDone, keepsConnection, idleMs } = this.#reader;
    if (!isDone || this.#isOver) return;
    if (!keepsConnection) {
      this.#over();
      this.#connection!.destroy();
    } else if (this.#isSent) {
      this.#over();
      this.#connection!.free(idleMs);
    }
  }

  #over(): void {
    this.#isOver = true;
    this.#request.signal?.removeEventListener('abort', this.#abort);
  }
}
