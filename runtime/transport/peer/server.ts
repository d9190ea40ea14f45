/**
 * The port that other sidecars call: `dapr.proto.internals.v1`, and calls of
 * unknown services, which are for the gRPC app here. Who may call it is the
 * network's business; it binds to the loopback unless it is told otherwise.
 */
import type { AppRequest, AppResponse } from '../../api/invoke.ts';
import { bytesOfAnswer } from '../../core/bytes.ts';
import { isTroupeError } from '../../core/errors.ts';
import { bytesOfAny } from '../grpc/any.ts';
import { createProtos, type Protos } from '../grpc/proto.ts';
import { createProxy, type ProxyOptions } from '../grpc/proxy.ts';
import { reflectionHandlers } from '../grpc/reflection.ts';
import { duplex, handlersOf, unary, type DuplexCall, type MethodRow } from '../grpc/registry.ts';
import {
  createGrpcServer,
  DEFAULT_MESSAGE_BYTES,
  type GrpcServer,
  type GrpcServerOptions,
} from '../grpc/server.ts';
import { GrpcError } from '../grpc/status.ts';
import { actorRows, type ActorRowsOptions } from './actor-server.ts';
import {
  appRequest,
  bodyOf,
  payloadOf,
  payloadsOf,
  responseMessage,
  SERVICE,
  WHOLE,
  wholeBody,
  type InternalRequest,
  type InternalResponse,
  type RequestChunk,
  type ResponseChunk,
} from './messages.ts';

export interface PeerServerOptions
  extends Omit<GrpcServerOptions, 'handlers' | 'fallback'>, ActorRowsOptions {
  readonly protos?: Protos | undefined;
  /** Brings an invocation to the app here. Errors: FORBIDDEN by the access control list, UNAVAILABLE. */
  readonly deliver: (request: AppRequest) => Promise<AppResponse>;
  /** Where calls of unknown services go. Absent: they are refused. */
  readonly proxyTarget?: ProxyOptions['target'] | undefined;
}

/** A frame around the payload needs some of the message's bytes. */
const FRAME_BYTES = 1024;
const MAX_PAYLOAD_BYTES = 64 * 1024;

export function payloadBytes(maxMessageBytes: number): number {
  const room = maxMessageBytes > 0 ? maxMessageBytes - FRAME_BYTES : MAX_PAYLOAD_BYTES;
  return Math.max(1, Math.min(MAX_PAYLOAD_BYTES, room));
}

/** A failure on the way to the app is one of the channel, in daprd's words. */
function channelError(cause: unknown): unknown {
  if (!isTroupeError(cause)) return cause;
  const code = cause.code === 'FORBIDDEN' ? 'PERMISSION_DENIED' : 'INTERNAL';
  return new GrpcError(code, `error invoking app channel: ${cause.message}`, { cause });
}

function required(request: InternalRequest | null | undefined): InternalRequest {
  if (request?.message) return request;
  throw new GrpcError(
    'INVALID_ARGUMENT',
    'parsing InternalInvokeRequest error: request does not contain the required fields in the leading chunk',
  );
}

async function callLocalStream(
  deliver: PeerServerOptions['deliver'],
  call: DuplexCall<RequestChunk, ResponseChunk>,
  maxPayload: number,
): Promise<void> {
  const chunks = call.requests();
  const first = await chunks.next();
  if (first.done) throw new GrpcError('INVALID_ARGUMENT', 'the stream holds no request');
  const request = required(first.value.request);
  const leading = first.value.payload;
  const payloads = async function* (): AsyncGenerator<RequestChunk['payload']> {
    yield leading;
    for await (const chunk of chunks) {
      if (chunk.request) throw new Error('request metadata found in non-leading chunk');
      yield chunk.payload;
    }
  };
  // A short request has come with its end, and goes to the app in one piece.
  await chunks.settled();
  const whole = chunks.isComplete ? wholeBody(leading) : undefined;
  const body = whole?.byteLength === 0 ? undefined : (whole ?? bodyOf(payloads()));
  let answer: AppResponse;
  try {
    answer = await deliver(appRequest(request, body, call.signal));
  } catch (error) {
    throw channelError(error);
  }
  let response: InternalResponse | undefined = responseMessage(answer);
  const taken = answer.whole?.();
  if (taken && taken.byteLength <= maxPayload) {
    call.addHeaders(WHOLE);
    await call.send({ response, payload: payloadOf(taken) });
    return;
  }
  for await (const payload of payloadsOf(taken ?? answer.body, maxPayload)) {
    await call.send(response ? { response, payload } : { payload });
    response = undefined;
  }
  if (response) await call.send({ response });
}

function rows(options: PeerServerOptions, maxPayload: number): MethodRow[] {
  const { deliver } = options;
  return [
    unary<InternalRequest, InternalResponse>('CallLocal', async (request, { signal }) => {
      try {
        const asked = required(request);
        const answer = await deliver(appRequest(asked, bytesOfAny(asked.message?.data), signal));
        const value = await bytesOfAnswer(answer);
        const response = responseMessage(answer);
        const contentType = response.message?.contentType ?? '';
        const data = { type_url: answer.typeUrl ?? '', value };
        return { ...response, message: { contentType, data } };
      } catch (error) {
        throw channelError(error);
      }
    }),
    duplex<RequestChunk, ResponseChunk>('CallLocalStream', (call) =>
      callLocalStream(deliver, call, maxPayload),
    ),
    ...actorRows(options),
  ];
}

/** Starts to listen; resolves when the port is open. Errors: UNAVAILABLE naming address and what to do. */
export function createPeerServer(options: PeerServerOptions): Promise<GrpcServer> {
  const { protos = createProtos(), proxyTarget } = options;
  const maxPayload = payloadBytes(options.maxMessageBytes ?? DEFAULT_MESSAGE_BYTES);
  return createGrpcServer({
    ...options,
    handlers: new Map([
      ...handlersOf(protos, SERVICE, rows(options, maxPayload)),
      ...reflectionHandlers(protos, [SERVICE]),
    ]),
    fallback: proxyTarget && createProxy({ now: options.now ?? Date.now, target: proxyTarget }),
  });
}
