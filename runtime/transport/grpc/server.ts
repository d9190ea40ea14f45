/**
 * gRPC on a socket, straight on node:http2: calls found by path, one fallback
 * for services nobody has declared (the proxy), and the rules that hold for
 * every call (limits, token, deadlines, keep-alive, draining). It knows no
 * service; registry.ts and its methods fill it.
 */
import {
  createServer,
  type Http2Server,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import type { AddressInfo, Server } from 'node:net';
import type { ApiErrorName } from '../../api/error-map.ts';
import type { EngineLogger } from '../../core/ports.ts';
import type { Telemetry } from '../../core/telemetry.ts';
import type { Tracer } from '../../core/tracing.ts';
import { listen, type ListenAt } from '../listen.ts';
import { createAdmission } from './admission.ts';
import { logCall } from './call-log.ts';
import { ServerCall, type Call, type CallSettings, type StreamCall } from './call.ts';
import { keepAlive } from './keep-alive.ts';
import { countFailure, measureCall } from './measure.ts';
import { beginGrpcSpan, takeBaggage } from './span.ts';
import { GrpcError, OK, type Status } from './status.ts';

interface Failing {
  /** Row of the error table for failures that have none of their own. */
  readonly failure?: ApiErrorName | undefined;
}

export interface UnaryHandler extends Failing {
  readonly kind: 'unary';
  readonly handle: (message: Buffer, call: Call) => Uint8Array | Promise<Uint8Array>;
}

export interface StreamHandler extends Failing {
  readonly kind: 'stream';
  /** The call ends with the status it resolves to, OK by default. */
  readonly handle: (call: StreamCall) => Promise<Status | void>;
}

export type Handler = UnaryHandler | StreamHandler;

export interface GrpcServerOptions {
  /** By path: `/package.Service/Method`. */
  readonly handlers: ReadonlyMap<string, Handler>;
  /** Takes what no handler takes. Absent, or answering undefined: UNIMPLEMENTED. */
  readonly fallback?:
    | ((path: string, headers: IncomingHttpHeaders) => Handler | undefined)
    | undefined;
  /** Default 0: a free port. */
  readonly port?: number | undefined;
  /** Default `127.0.0.1`. */
  readonly host?: string | undefined;
  /** Several places, instead of host and port. A port 0 is the same free one for all. */
  readonly at?: readonly ListenAt[] | undefined;
  readonly logger: EngineLogger;
  /** Gets counts and latencies of unary and proxied calls, and the errors answered. Default: nothing is measured. */
  readonly telemetry?: Telemetry | undefined;
  /** Gets a line for every call that the token lets in. Default: none. */
  readonly apiLog?: EngineLogger | undefined;
  /** Makes a span of every unary call. Default: a trace context is passed on as it came. */
  readonly tracer?: Tracer | undefined;
  /** Milliseconds since the epoch. Default `Date.now`. */
  readonly now?: (() => number) | undefined;
  /** Every call must carry it as `dapr-api-token`. */
  readonly apiToken?: string | undefined;
  /** Largest message, packed and unpacked. Default 4 MiB; 0 or less: no limit. */
  readonly maxMessageBytes?: number | undefined;
  /** Headers of one call. Default 8 KiB. */
  readonly maxHeaderBytes?: number | undefined;
  /** Calls at once on one connection. Default 1000. */
  readonly maxStreams?: number | undefined;
  /** Connections beyond it are closed at once. Default: no bound. */
  readonly maxConnections?: number | undefined;
  /** Longest time the message of a unary call may take to arrive, in milliseconds. Default 300,000. */
  readonly requestTimeoutMs?: number | undefined;
  /** A connection that was silent so long is pinged, and cut when it does not answer. Default 60,000. */
  readonly keepAliveMs?: number | undefined;
  /** How long running calls may still take when the server closes, in milliseconds. Default 800. */
  readonly closeGraceMs?: number | undefined;
}

export interface GrpcServer extends AsyncDisposable {
  /** Empty for a Unix socket. */
  readonly host: string;
  /** 0 for a Unix socket. */
  readonly port: number;
  /** Takes no more calls, ends long streams, lets the others finish within the grace, then cuts them. Idempotent. */
  close(): Promise<void>;
}

/** What a message may measure by default, in bytes. */
export const DEFAULT_MESSAGE_BYTES = 4 * 1024 * 1024;
const MAX_HEADER_BYTES = 8 * 1024;
const MAX_STREAMS = 1000;
const STREAM_WINDOW = 256 * 1024;
const CONNECTION_WINDOW = 4 * 1024 * 1024;
/** Node counts buffers of a session in megabytes and refuses streams beyond; the streams' own limits hold here. */
const SESSION_MEMORY_MB = 1024;
const SWEEP_MS = 1000;
const REQUEST_TIMEOUT_MS = 300_000;
const KEEP_ALIVE_MS = 60_000;
const CLOSE_GRACE_MS = 800;

function unknown(path: string): GrpcError {
  const [, service = '', method = ''] = path.split('/');
  return new GrpcError('UNIMPLEMENTED', `unknown method ${method} for service ${service}`);
}

function refuse(stream: ServerHttp2Stream, status: number, text: string): void {
  stream.on('error', () => {});
  stream.respond({ ':status': status, 'content-type': 'text/plain' });
  stream.end(text);
}

/** Starts to listen; resolves when the port is open. Errors: UNAVAILABLE naming address and what to do. */
export async function createGrpcServer(options: GrpcServerOptions): Promise<GrpcServer> {
  const { handlers, fallback, logger, apiLog, telemetry, tracer, now = Date.now } = options;
  const limit = options.maxMessageBytes ?? DEFAULT_MESSAGE_BYTES;
  const maxHeaderBytes = options.maxHeaderBytes ?? MAX_HEADER_BYTES;
  const leaving = new AbortController();
  const settings: CallSettings = {
    maxBytes: limit > 0 ? limit : Number.POSITIVE_INFINITY,
    now,
    leaving: leaving.signal,
    onFault: (err, path) => logger.error({ err, path }, 'grpc call failed'),
    ...(telemetry ? { onFailure: (error, row) => countFailure(telemetry, error, row) } : {}),
  };
  const admit = createAdmission(maxHeaderBytes, options.apiToken);
  /** Unary calls whose message is on its way, with the time they began. */
  const arriving = new Map<ServerCall, number>();
  const streaming = new Set<ServerCall>();
  const sessions = new Set<ServerHttp2Session>();

  function run(call: ServerCall, handler: Handler): void {
    const fail = (error: unknown): void => call.fail(error, handler.failure);
    if (telemetry && (handler.kind === 'unary' || call.headers['dapr-app-id'] !== undefined)) {
      measureCall(telemetry, call);
    }
    const problem = takeBaggage(call);
    if (problem !== undefined) {
      fail(new GrpcError('INVALID_ARGUMENT', problem));
      return;
    }
    if (tracer && handler.kind === 'unary') beginGrpcSpan(tracer, call);
    if (handler.kind === 'stream') {
      streaming.add(call);
      const over = handler.handle(call).then((status) => call.finish(status ?? OK), fail);
      void over.then(() => streaming.delete(call));
      return;
    }
    arriving.set(call, Date.now());
    call.receive((message) => {
      arriving.delete(call);
      try {
        const answer = handler.handle(message, call);
        if (answer instanceof Promise) answer.then((bytes) => call.reply(bytes), fail);
        else call.reply(answer);
      } catch (error) {
        fail(error);
      }
    });
  }

  function onStream(
    stream: ServerHttp2Stream,
    headers: IncomingHttpHeaders,
    _flags: number,
    list: readonly string[],
  ): void {
    if (headers[':method'] !== 'POST') {
      refuse(stream, 405, 'gRPC takes POST only');
      return;
    }
    const type = headers['content-type'] ?? '';
    if (!/^application\/grpc(?:\+proto)?(?:;|$)/.test(type)) {
      refuse(stream, 415, `content-type "${type}" is not application/grpc`);
      return;
    }
    const call = new ServerCall(stream, headers, settings);
    const refused = admit(headers, list);
    if (refused) {
      call.fail(refused);
      return;
    }
    delete headers['dapr-api-token'];
    if (apiLog) logCall(apiLog, call);
    const handler = handlers.get(call.path) ?? fallback?.(call.path, headers);
    if (handler) run(call, handler);
    else call.fail(unknown(call.path));
  }

  function open(): Http2Server {
    const server = createServer({
      maxSessionMemory: SESSION_MEMORY_MB,
      // A client that cancels call after call does what gRPC lets it do.
      streamResetBurst: 10_000,
      streamResetRate: 1000,
      settings: {
        enablePush: false,
        initialWindowSize: STREAM_WINDOW,
        maxConcurrentStreams: options.maxStreams ?? MAX_STREAMS,
        maxHeaderListSize: maxHeaderBytes,
      },
    });
    if (options.maxConnections !== undefined) server.maxConnections = options.maxConnections;
    server.on('stream', onStream);
    server.on('session', (session) => {
      sessions.add(session);
      session.setLocalWindowSize(CONNECTION_WINDOW);
      keepAlive(session, options.keepAliveMs ?? KEEP_ALIVE_MS);
      session.on('error', () => {});
      session.once('close', () => sessions.delete(session));
    });
    // Bytes that are no HTTP/2: node ends the connection itself.
    server.on('sessionError', () => {});
    return server;
  }

  const longest = options.requestTimeoutMs ?? REQUEST_TIMEOUT_MS;
  const sweep = setInterval(
    () => {
      for (const [call, since] of arriving) {
        if (!call.ended && Date.now() - since < longest) break;
        arriving.delete(call);
        call.fail(new GrpcError('DEADLINE_EXCEEDED', 'the request took too long to arrive'));
      }
    },
    Math.min(SWEEP_MS, longest),
  );
  sweep.unref();

  const servers: Server[] = [];
  let closed: Promise<void> | undefined;
  const close = (): Promise<void> => {
    closed ??= (async () => {
      clearInterval(sweep);
      leaving.abort(new GrpcError('UNAVAILABLE', 'the server is shutting down'));
      const cut = setTimeout(() => {
        streaming.forEach((call) => call.fail(leaving.signal.reason));
        setTimeout(() => sessions.forEach((session) => session.destroy()), 20);
      }, options.closeGraceMs ?? CLOSE_GRACE_MS);
      const ended = servers.map((one) => new Promise((resolve) => one.close(resolve)));
      for (const session of sessions) session.close();
      await Promise.all(ended);
      clearTimeout(cut);
    })();
    return closed;
  };

  const { host = '127.0.0.1', port = 0, at = [{ host, port }] } = options;
  let first: AddressInfo | undefined;
  try {
    for (const place of at) {
      const server = open();
      const free = 'port' in place && place.port === 0 && first;
      await listen(server, free ? { ...place, port: free.port } : place);
      servers.push(server);
      server.on('error', (error) => logger.error({ err: error }, 'grpc server failed'));
      const bound = server.address();
      if (typeof bound === 'object' && bound) first ??= bound;
    }
  } catch (error) {
    await close();
    throw error;
  }
  return {
    host: first?.address ?? '',
    port: first?.port ?? 0,
    close,
    [Symbol.asyncDispose]: close,
  };
}
