/**
 * Calls to the sidecars of other apps: each found by name resolution, spoken to
 * over one connection that is kept while it is used.
 */
import { hostname } from 'node:os';
import type { AppRequest, AppResponse, Peers } from '../../api/invoke.ts';
import { TroupeError } from '../../core/errors.ts';
import type { Telemetry } from '../../core/telemetry.ts';
import type { OutgoingCall } from '../grpc/client-call.ts';
import type { GrpcClient } from '../grpc/client.ts';
import { createProtos, type MethodCodec, type Protos } from '../grpc/proto.ts';
import type { ProxyTarget } from '../grpc/proxy.ts';
import { CODES, GrpcError } from '../grpc/status.ts';
import {
  createPeerConnections,
  MAX_BYTES,
  type PeerAddress,
  type PeerConnections,
} from './connections.ts';
import {
  appResponse,
  bodyOf,
  payloadOf,
  payloadsOf,
  requestMessage,
  SERVICE,
  WHOLE,
  wholeBody,
  type InternalResponse,
  type RequestChunk,
  type ResponseChunk,
} from './messages.ts';
import { payloadBytes } from './server.ts';

export interface Callee {
  readonly appId: string;
  readonly namespace: string;
}

/** Where the internal port of an app's sidecar is; a name resolution component is one. */
export interface PeerResolver {
  /** A sidecar for one call, and who is to hear of the call's end. Errors: NOT_FOUND. */
  resolve(
    callee: Callee,
    options?: { signal?: AbortSignal },
  ): Promise<PeerAddress & { readonly release?: () => void }>;
}

export interface PeersOptions {
  readonly resolver: PeerResolver;
  /** Address of this host in `x-forwarded-for`. Default `127.0.0.1`. */
  readonly hostAddress?: string | undefined;
  /** Default 4 MiB; 0 or less: no limit. */
  readonly maxMessageBytes?: number | undefined;
  readonly protos?: Protos | undefined;
  readonly telemetry?: Telemetry | undefined;
  /** Default: connections of its own. */
  readonly connections?: PeerConnections | undefined;
}

export interface OpenPeers extends Peers, AsyncDisposable {
  /** The internal port of an app's sidecar, for one call of the proxy. Errors: NOT_FOUND. */
  target(callee: Callee, options?: { signal?: AbortSignal }): Promise<ProxyTarget>;
  close(): Promise<void>;
}

/** True when the peer cannot have started with the call. */
const isUnreached = (error: unknown): boolean =>
  error instanceof GrpcError &&
  (error.status.code === CODES.UNAVAILABLE || error.status.code === CODES.UNAUTHENTICATED);

function asError(error: unknown, { appId }: Callee): unknown {
  if (!(error instanceof GrpcError)) return error;
  const { code, message } = error.status;
  const text = `rpc error of app "${appId}": code = ${code} desc = ${message}`;
  if (code === CODES.PERMISSION_DENIED) return new TroupeError('FORBIDDEN', text, { cause: error });
  if (code === CODES.CANCELLED) return new TroupeError('CANCELLED', text, { cause: error });
  if (code === CODES.DEADLINE_EXCEEDED) return new TroupeError('TIMEOUT', text, { cause: error });
  const kind = isUnreached(error) ? 'UNAVAILABLE' : 'COMPONENT';
  return new TroupeError(kind, text, { cause: error });
}

/** The error of a call that ended before its answer. */
async function failureOf(call: OutgoingCall): Promise<GrpcError> {
  const { status, trailers } = await call.ended;
  const { code, message, details } = status;
  if (code === CODES.OK) {
    return new GrpcError('INTERNAL', 'the peer ended the call without an answer');
  }
  return new GrpcError(code, message, { detailBytes: details, trailers });
}

export function createPeers(options: PeersOptions): OpenPeers {
  const { resolver, protos = createProtos(), hostAddress = '127.0.0.1' } = options;
  const maxPayload = payloadBytes(options.maxMessageBytes ?? MAX_BYTES);
  const connections = options.connections ?? createPeerConnections(options);
  const forwarded = {
    'x-forwarded-for': [hostAddress],
    'x-forwarded-host': [hostname()],
    forwarded: [`for=${hostAddress};by=${hostAddress};host=${hostname()}`],
  };
  let known: MethodCodec<RequestChunk, ResponseChunk> | undefined;
  const codec = (): MethodCodec<RequestChunk, ResponseChunk> =>
    (known ??= protos.method(SERVICE, 'CallLocalStream'));

  async function find(
    callee: Callee,
    signal: AbortSignal | undefined,
  ): Promise<{ readonly client: GrpcClient; readonly release: () => void }> {
    const host = await resolver.resolve(callee, signal ? { signal } : {});
    return { client: connections.to(host), release: () => host.release?.() };
  }

  /** A call that the resolver hears the end of, however it ends. */
  function begin({ client, release }: Awaited<ReturnType<typeof find>>, signal?: AbortSignal) {
    try {
      const call = client.call(`/${SERVICE}/CallLocalStream`, { signal });
      void call.ended.then(release);
      return call;
    } catch (error) {
      release();
      throw error;
    }
  }

  async function send(call: OutgoingCall, request: AppRequest, callee: Callee): Promise<void> {
    const { encode } = codec().request;
    const { body } = request;
    const message = requestMessage(request, {
      ...forwarded,
      'destination-app-id': [callee.appId],
    });
    if (body === undefined || (body instanceof Uint8Array && body.byteLength <= maxPayload)) {
      call.end(encode({ request: message, payload: payloadOf(body) }));
      return;
    }
    let head: RequestChunk = { request: message };
    for await (const payload of payloadsOf(body, maxPayload)) {
      await call.write(encode({ ...head, payload }));
      head = {};
    }
    if (head.request) await call.write(encode(head));
    call.end();
  }

  async function attempt(callee: Callee, request: AppRequest): Promise<AppResponse> {
    const host = await find(callee, request.signal);
    const call = begin(host, request.signal);
    try {
      const answer = await exchange(call, request, callee);
      // The host is done with it; the stream ends a turn of the loop later, when the next call may have begun.
      if (answer.whole?.()) host.release();
      return answer;
    } catch (error) {
      call.cancel();
      throw error;
    }
  }

  async function exchange(
    call: OutgoingCall,
    request: AppRequest,
    callee: Callee,
  ): Promise<AppResponse> {
    const broken = Promise.withResolvers<never>();
    broken.promise.catch(() => {});
    send(call, request, callee).catch((error: unknown) => {
      broken.reject(error);
      call.cancel();
    });
    const messages = call.messages();
    const first = await Promise.race([messages.next(), broken.promise]);
    if (first.done) throw await failureOf(call);
    const { response, payload } = codec().response.decode(first.value);
    if (!response?.status) {
      throw new GrpcError(
        'INTERNAL',
        'response does not contain the required fields in the leading chunk',
      );
    }
    const payloads = (async function* () {
      try {
        yield payload;
        for await (const message of messages) yield codec().response.decode(message).payload;
        const { status } = await call.ended;
        if (status.code !== CODES.OK) throw await failureOf(call);
      } finally {
        // A reader that leaves ends the call, also after the first payload.
        await messages.return();
      }
    })();
    let isWhole = (await call.headers)?.['troupe-whole'] === WHOLE['troupe-whole'];
    if (!isWhole) {
      await messages.settled();
      isWhole = messages.isComplete && call.status?.code === CODES.OK;
    }
    const whole = isWhole ? wholeBody(payload) : undefined;
    return appResponse(response as InternalResponse, {
      body: bodyOf(payloads),
      whole: () => whole,
    });
  }

  return {
    async invoke(callee, request) {
      try {
        return await attempt(callee, request);
      } catch (error) {
        throw asError(error, callee);
      }
    },
    async target(callee, { signal } = {}) {
      return find(callee, signal);
    },
    async close() {
      if (!options.connections) await connections.close();
    },
    async [Symbol.asyncDispose]() {
      await this.close();
    },
  };
}
