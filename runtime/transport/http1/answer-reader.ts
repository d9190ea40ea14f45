/**
 * One answer of HTTP/1.1 out of a connection's bytes, however they are cut:
 * interim answers passed over, the head, the body by its framing (RFC 9112,
 * section 6.3), trailers. It holds no more than a head or a line that is not
 * whole yet, and refuses what two readers could understand differently.
 */
import { endsConnection, idleMsOf, readHead, readFields, type AnswerHead } from './head.ts';

export interface AnswerSink {
  head(head: AnswerHead): void;
  data(bytes: Buffer): void;
  end(trailers: Readonly<Record<string, string>>): void;
}

type State =
  | 'head'
  | 'counted'
  | 'until-close'
  | 'size'
  | 'chunk'
  | 'chunk-end'
  | 'trailers'
  | 'done';

/** A longer head, chunk line or trailer section is refused, as Node's own client does. */
const MAX_HEAD_BYTES = 16 * 1024;

export class AnswerReader {
  /** Whether another request may follow on the connection. */
  keepsConnection = false;
  /** How long the app says that it keeps an idle connection. */
  idleMs = Infinity;
  readonly #toHead: boolean;
  readonly #sink: AnswerSink;
  #state: State = 'head';
  #rest: Buffer | undefined;
  #left = 0;

  /** `toHead`: the answer is to a HEAD request and has no body, whatever its head says. */
  constructor(toHead: boolean, sink: AnswerSink) {
    this.#toHead = toHead;
    this.#sink = sink;
  }

  get isDone(): boolean {
    return this.#state === 'done';
  }

  /** Errors: what is no answer of HTTP/1.1. */
  push(bytes: Buffer): void {
    const data = this.#rest ? Buffer.concat([this.#rest, bytes]) : bytes;
    this.#rest = undefined;
    let at = 0;
    while (at < data.length) {
      if (this.#state === 'done') {
        // Nobody asked for more: what follows would be taken for the next answer.
        this.keepsConnection = false;
        return;
      }
      const next = this.#step(data, at);
      if (next === undefined) {
        this.#rest = data.subarray(at);
        if (this.#rest.length > MAX_HEAD_BYTES)
          throw new Error('the head of the answer is too long');
        return;
      }
      at = next;
    }
  }

  /**
   * The connection has ended, or broken. False: in the middle of the answer. A
   * body that is shorter than its length says ends where it ends.
   */
  finish(isBroken: boolean): boolean {
    if ((this.#state === 'until-close' && !isBroken) || this.#state === 'counted') {
      this.keepsConnection = false;
      this.#end({});
    }
    return this.#state === 'done';
  }

  /** Where to go on; undefined when that needs more bytes. */
  #step(data: Buffer, at: number): number | undefined {
    switch (this.#state) {
      case 'head': {
        const end = data.indexOf('\r\n\r\n', at, 'latin1');
        if (end < 0) return undefined;
        this.#head(data.toString('latin1', at, end));
        return end + 4;
      }
      case 'counted':
      case 'chunk': {
        const end = Math.min(data.length, at + this.#left);
        this.#left -= end - at;
        this.#sink.data(at === 0 && end === data.length ? data : data.subarray(at, end));
        if (this.#left === 0) {
          if (this.#state === 'chunk') this.#state = 'chunk-end';
          else this.#end({});
        }
        return end;
      }
      case 'until-close':
        this.#sink.data(data.subarray(at));
        return data.length;
      case 'size': {
        const end = data.indexOf('\r\n', at, 'latin1');
        if (end < 0) return undefined;
        this.#size(data.toString('latin1', at, end));
        return end + 2;
      }
      case 'chunk-end':
        if (data.length < at + 2) return undefined;
        if (data[at] !== 13 || data[at + 1] !== 10)
          throw new Error('a chunk of the answer has no end');
        this.#state = 'size';
        return at + 2;
      case 'trailers': {
        // An empty section is one line end; else the last line is followed by an empty one.
        if (data.length < at + 2) return undefined;
        if (data[at] === 13 && data[at + 1] === 10) {
          this.#end({});
          return at + 2;
        }
        const end = data.indexOf('\r\n\r\n', at, 'latin1');
        if (end < 0) return undefined;
        this.#end(
          readFields(data.toString('latin1', at, end).split('\r\n'), 0) as Record<string, string>,
        );
        return end + 4;
      }
      case 'done':
        return data.length;
      default:
        return this.#state satisfies never;
    }
  }

  #head(text: string): void {
    const head = readHead(text);
    const { status, headers } = head;
    // A switch of protocols is an answer like others, as daprd passes it on; what follows is no HTTP.
    const isSwitch = status === 101;
    if (status < 200 && !isSwitch) return;
    this.keepsConnection = !isSwitch && !endsConnection(head);
    this.idleMs = idleMsOf(headers);
    const length = headers['content-length'] as string | undefined;
    const encoding = headers['transfer-encoding'] as string | undefined;
    if (length !== undefined && !/^\d{1,15}$/.test(length)) {
      throw new Error(`its answer has the content-length "${length}"`);
    }
    if (length !== undefined && encoding !== undefined) {
      throw new Error('its answer has both a content-length and a transfer-encoding');
    }
    this.#sink.head(head);
    if (this.#toHead || isSwitch || status === 204 || status === 304) this.#end({});
    else if (length !== undefined) {
      this.#left = Number(length);
      this.#state = 'counted';
    } else if (encoding !== undefined && /(?:^|[\s,])chunked$/i.test(encoding))
      this.#state = 'size';
    else {
      this.keepsConnection = false;
      this.#state = 'until-close';
    }
    if (this.#state === 'counted' && this.#left === 0) this.#end({});
  }

  #size(line: string): void {
    const [size] = line.split(';', 1) as [string];
    if (!/^[\da-f]{1,12}[ \t]*$/i.test(size)) throw new Error('a chunk of the answer has no size');
    this.#left = parseInt(size, 16);
    this.#state = this.#left === 0 ? 'trailers' : 'chunk';
  }

  #end(trailers: Readonly<Record<string, string>>): void {
    this.#state = 'done';
    this.#sink.end(trailers);
  }
}
