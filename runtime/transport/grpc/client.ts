/**
 * gRPC calls out, straight on node:http2 as the server is: raw messages of any
 * method, so that the proxy and the typed callers share one client. A
 * connection is opened when a call needs it and again after it was lost;
 * beyond the calls that one carries there is another, as daprd's pool has it.
 */
import { connect, type ClientHttp2Session } from 'node:http2';
import { connect as connectSocket } from 'node:net';
import { TroupeError } from '../../core/errors.ts';
import type { Telemetry } from '../../core/telemetry.ts';
import { RunningCall, type OutgoingCall, type OutgoingOptions } from './client-call.ts';
import { measured } from './measure.ts';
import { sendable, timeoutText, type Metadata } from './metadata.ts';
import { CODES, GrpcError } from './status.ts';

export interface GrpcClientOptions {
  readonly host: string;
  readonly port: number;
  /** Path of a Unix socket to connect to; host and port only name the server then. */
  readonly socket?: string | undefined;
  /** Use TLS; the app's certificate is not verified, as daprd does for `grpcs`. Default false. */
  readonly tls?: boolean | undefined;
  /** Refuse a server whose certificate is not right. Default false. */
  readonly verifyServer?: boolean | undefined;
  /** Largest message received, in bytes. */
  readonly maxMessageBytes: number;
  /** Gets counts and latencies of unary calls. Default: nothing is measured. */
  readonly telemetry?: Telemetry | undefined;
}

export interface UnaryReply {
  readonly message: Buffer;
  readonly headers: Metadata;
  readonly trailers: Metadata;
}

export interface GrpcClient extends AsyncDisposable {
  /** Calls under way. */
  readonly calls: number;
  call(path: string, options?: OutgoingOptions): OutgoingCall;
  /** Errors: GrpcError with the status that is not OK. */
  unary(path: string, message: Uint8Array, options?: OutgoingOptions): Promise<UnaryReply>;
  close(): Promise<void>;
}

/** Calls that a connection carries at once; many servers take no more. */
const CALLS_PER_CONNECTION = 100;
const WINDOW = 1024 * 1024;
const CONNECTION_WINDOW = 16 * 1024 * 1024;

/** A connection and the calls that run on it. */
interface Connection {
  readonly http2: ClientHttp2Session;
  /** It stood at some time, so that what was written may have arrived. */
  isUp: boolean;
  calls: number;
}

/** Of a text such as `127.0.0.1:50005` or `[::1]:50005`. */
export function hostAndPort(text: string): { host: string; port: number } {
  const at = text.lastIndexOf(':');
  return { host: text.slice(0, at).replace(/^\[(.*)\]$/, '$1'), port: Number(text.slice(at + 1)) };
}

export function createGrpcClient(options: GrpcClientOptions): GrpcClient {
  const { host, port, tls = false, verifyServer = false } = options;
  const { maxMessageBytes, telemetry, socket } = options;
  const scheme = tls ? 'https' : 'http';
  const authority = `${host.includes(':') ? `[${host}]` : host}:${port}`;
  const sessions = new Set<Connection>();
  let isClosed = false;

  function open(): Connection {
    for (const one of sessions) {
      const { closed, destroyed } = one.http2;
      if (!closed && !destroyed && one.calls < CALLS_PER_CONNECTION) return one;
    }
    if (isClosed) throw new TroupeError('UNAVAILABLE', `the client of ${authority} is closed`);
    const fresh = connect(`${scheme}://${authority}`, {
      rejectUnauthorized: verifyServer,
      settings: { enablePush: false, initialWindowSize: WINDOW },
      ...(socket === undefined ? {} : { createConnection: () => connectSocket(socket) }),
    });
    fresh.on('error', () => {});
    const opened: Connection = { http2: fresh, isUp: false, calls: 0 };
    fresh.once('connect', () => {
      opened.isUp = true;
      fresh.setLocalWindowSize(CONNECTION_WINDOW);
    });
    const forget = (): void => void sessions.delete(opened);
    fresh.once('close', forget);
    fresh.once('goaway', forget);
    // An idle connection keeps no process alive; calls hold it while they run.
    fresh.unref();
    sessions.add(opened);
    return opened;
  }

  /** Of idle connections one is kept. */
  function rest(idle: Connection): void {
    if (idle.http2.destroyed) return;
    idle.http2.unref();
    if (sessions.size > 1 && sessions.delete(idle)) idle.http2.close();
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
      if (target.calls === 0) rest(target);
    });
    return new RunningCall(stream, maxMessageBytes, given, target);
  }

  async function unary(
    path: string,
    message: Uint8Array,
    given?: OutgoingOptions,
  ): Promise<UnaryReply> {
    const running = call(path, given);
    running.end(message);
    let reply: Buffer | undefined;
    for await (const one of running.messages()) reply ??= one;
    const { status, unsent, trailers } = await running.ended;
    if (status.code !== CODES.OK) {
      const { code, message, details: detailBytes } = status;
      throw new GrpcError(code, message, { detailBytes, unsent, trailers });
    }
    if (!reply) throw new GrpcError('INTERNAL', `${path} answered OK without a message`);
    return { message: reply, headers: (await running.headers) ?? {}, trailers };
  }

  const close = (): Promise<void> => {
    isClosed = true;
    for (const one of sessions) one.http2.destroy();
    return Promise.resolve();
  };
  return {
    get calls() {
      return [...sessions].reduce((sum, { calls }) => sum + calls, 0);
    },
    call,
    unary: telemetry
      ? (path, message, given) => measured(telemetry, path, () => unary(path, message, given))
      : unary,
    close,
    [Symbol.asyncDispose]: close,
  };
}
