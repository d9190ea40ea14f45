/**
 * The app of this host behind its gRPC port: invocations as OnInvoke, events
 * as Dapr's AppCallback services, health by AppCallbackHealthCheck, and raw
 * calls for the proxy. Whoever makes a call passes the gate of the host first.
 */
import { TroupeError } from '../core/errors.ts';
import type { Telemetry } from '../core/telemetry.ts';
import { bytesOfAny, typeOfAny, type AnyBytes } from '../transport/grpc/any.ts';
import { createAppCaller, createGrpcEvents, type CallApp } from '../transport/grpc/app-events.ts';
import type { OutgoingOptions } from '../transport/grpc/client-call.ts';
import { createGrpcClient, type GrpcClient } from '../transport/grpc/client.ts';
import { grpcHeaders, httpHeaders, verbOf } from '../transport/grpc/crossing.ts';
import type { Metadata } from '../transport/grpc/metadata.ts';
import { createProtos, type Protos } from '../transport/grpc/proto.ts';
import { CODES, GrpcError, httpOfCode, type Status } from '../transport/grpc/status.ts';

export interface AppGrpcOptions {
  readonly port: number;
  /** Default `127.0.0.1`. */
  readonly host?: string | undefined;
  /** `grpcs`: TLS without looking at the app's certificate, as daprd. Default `grpc`. */
  readonly protocol?: 'grpc' | 'grpcs' | undefined;
  /** Sent as metadata `dapr-api-token`. */
  readonly token?: string | undefined;
  /** Largest message of the app. Default 4 MiB; 0 or less: no limit. */
  readonly maxMessageBytes?: number | undefined;
  readonly telemetry?: Telemetry | undefined;
  /** Default: read when the first call goes out. */
  readonly protos?: Protos | undefined;
  /** Every call but health checks runs inside. Default: at once. */
  readonly gate?:
    | (<T>(signal: AbortSignal | undefined, work: () => Promise<T>) => Promise<T>)
    | undefined;
}

/** An HTTP-shaped invocation of the app. */
export interface AppGrpcRequest {
  readonly method: string;
  /** Percent-encoded, with a leading slash. */
  readonly path: string;
  readonly query?: string;
  readonly headers?: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly body?: AsyncIterable<Uint8Array> | Uint8Array | undefined;
  /** Name of the protobuf type of the body. */
  readonly typeUrl?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface AppGrpcResponse {
  /** The app's gRPC code as an HTTP status. */
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  readonly body: AsyncIterable<Uint8Array>;
  readonly typeUrl?: string | undefined;
  readonly grpc: { readonly status: Status; readonly trailers: Metadata };
}

export interface AppGrpc extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  readonly events: ReturnType<typeof createGrpcEvents>;
  /** Raw calls, for the proxy; the token is added, the gate is the caller's to pass. */
  readonly client: GrpcClient;
  readonly gate: NonNullable<AppGrpcOptions['gate']>;
  /** Errors: UNAVAILABLE when the app does not answer. A status of the app's own is an answer. */
  invoke(request: AppGrpcRequest): Promise<AppGrpcResponse>;
  /** Why the app is not well; undefined when it is. An app without health checks is. */
  probe(signal: AbortSignal): Promise<string | undefined>;
  close(): Promise<void>;
}

interface InvokeReply {
  readonly data?: AnyBytes | null;
  readonly contentType: string;
}

const MAX_BYTES = 4 * 1024 * 1024;

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  if (bytes.byteLength > 0) yield bytes;
}

async function collect(body: AppGrpcRequest['body'], maxBytes: number): Promise<Uint8Array> {
  if (body === undefined || body instanceof Uint8Array) return body ?? new Uint8Array(0);
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.byteLength;
    if (size > maxBytes) {
      throw new TroupeError(
        'INVALID_ARGUMENT',
        `the body is larger than the ${maxBytes} bytes that a message to a gRPC app may have`,
      );
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

export function createAppGrpc(options: AppGrpcOptions): AppGrpc {
  const { port, host = '127.0.0.1', protocol = 'grpc', token, protos = createProtos() } = options;
  const limit = options.maxMessageBytes ?? MAX_BYTES;
  const maxMessageBytes = limit > 0 ? limit : Number.POSITIVE_INFINITY;
  const gate = options.gate ?? (<T>(_signal: unknown, work: () => Promise<T>) => work());
  const { telemetry } = options;
  const tls = protocol === 'grpcs';
  const base = createGrpcClient({ host, port, tls, maxMessageBytes, telemetry });
  const known: Metadata = token === undefined ? {} : { 'dapr-api-token': token };
  const withToken = (given: OutgoingOptions = {}): OutgoingOptions => ({
    ...given,
    metadata: { ...given.metadata, ...known },
  });
  const client: GrpcClient = {
    ...base,
    get calls() {
      return base.calls;
    },
    call: (path, given) => base.call(path, withToken(given)),
    unary: (path, message, given) => base.unary(path, message, withToken(given)),
  };
  const callApp: CallApp = (path, message, given) =>
    gate(given.signal, () => client.unary(path, message, given));

  async function invoke(request: AppGrpcRequest): Promise<AppGrpcResponse> {
    const { method, path, query = '', headers = {}, signal } = request;
    const codec = protos.method<object, InvokeReply>(
      'dapr.proto.runtime.v1.AppCallback',
      'OnInvoke',
    );
    const type = headers['content-type'];
    const message = codec.request.encode({
      method: decodeURIComponent(path).replace(/^\/+/, ''),
      data: {
        type_url: request.typeUrl ?? '',
        value: await collect(request.body, maxMessageBytes),
      },
      contentType: typeof type === 'string' ? type : (type?.[0] ?? ''),
      httpExtension: { verb: verbOf(method), querystring: query },
    });
    try {
      const reply = await callApp('/dapr.proto.runtime.v1.AppCallback/OnInvoke', message, {
        metadata: grpcHeaders(headers),
        signal,
      });
      const { data, contentType } = codec.response.decode(reply.message);
      const received = httpHeaders(reply.headers);
      if (contentType) received['content-type'] = contentType;
      return {
        status: 200,
        headers: received,
        body: once(bytesOfAny(data)),
        typeUrl: typeOfAny(data),
        grpc: { status: { code: 0, message: '' }, trailers: reply.trailers },
      };
    } catch (error) {
      if (!(error instanceof GrpcError)) throw error;
      const { status, trailers = {} } = error;
      if (status.code === CODES.UNAVAILABLE) {
        const text = `the app at ${host}:${port} does not answer over gRPC: ${status.message}; is it running and on this port?`;
        throw new TroupeError('UNAVAILABLE', text, { cause: error });
      }
      const { code, message: text } = status;
      return {
        status: httpOfCode(code),
        headers: { 'content-type': 'application/json' },
        body: once(Buffer.from(JSON.stringify({ code, message: text }))),
        grpc: { status, trailers },
      };
    }
  }

  return {
    host,
    port,
    client,
    gate,
    events: createGrpcEvents(createAppCaller(protos, callApp)),
    invoke,
    async probe(signal) {
      try {
        const path = '/dapr.proto.runtime.v1.AppCallbackHealthCheck/HealthCheck';
        await client.unary(path, new Uint8Array(0), { signal });
        return undefined;
      } catch (error) {
        if (error instanceof GrpcError && error.status.code === CODES.UNIMPLEMENTED) {
          return undefined;
        }
        return `Health check failed: ${error instanceof Error ? error.message : String(error)}`;
      }
    },
    close: () => client.close(),
    [Symbol.asyncDispose]: () => client.close(),
  };
}
