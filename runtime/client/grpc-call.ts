/** Calls of Dapr's gRPC service in messages, with the errors of the client. */
import { TroupeError } from '../core/errors.ts';
import type { OutgoingCall, OutgoingOptions } from '../transport/grpc/client-call.ts';
import { createGrpcClient } from '../transport/grpc/client.ts';
import { createProtos, type MethodCodec } from '../transport/grpc/proto.ts';
import { CODES, GrpcError, type Status } from '../transport/grpc/status.ts';
import { reasonOf, wireErrorOf } from '../transport/grpc/status-details.ts';
import { brokenOff, cancelled, grpcFailure, timedOut, unreachable } from './failures.ts';
import type { Limits } from './wire.ts';

const SERVICE = 'dapr.proto.runtime.v1.Dapr';
/** Of one message that is received. */
const MAX_MESSAGE_BYTES = 64 * 1024 * 1024;

export interface DaprCalls {
  unary<O>(method: string, request: object, limits: Limits, metadata?: Texts): Promise<O>;
  open(method: string, options: OutgoingOptions): OutgoingCall;
  codec<I, O>(method: string): MethodCodec<I, O>;
  /** The error that an ended call stands for. */
  failureOf(call: OutgoingCall, limits?: Limits): Promise<TroupeError>;
  close(): Promise<void>;
}

type Texts = Readonly<Record<string, string>>;

export function createDaprCalls(base: URL, apiToken: string | undefined): DaprCalls {
  const isSecure = base.protocol === 'grpcs:';
  const host = base.hostname.replace(/^\[(.*)\]$/, '$1');
  const address = `${base.protocol}//${base.host}`;
  const client = createGrpcClient({
    host,
    port: base.port === '' ? (isSecure ? 443 : 50001) : Number(base.port),
    tls: isSecure,
    verifyServer: true,
    maxMessageBytes: MAX_MESSAGE_BYTES,
  });
  const protos = createProtos();
  const token: Texts = apiToken === undefined ? {} : { 'dapr-api-token': apiToken };

  function errorOf(status: Status, unsent: boolean, limits?: Limits): TroupeError {
    const { code, message, details } = status;
    if (limits?.signal?.aborted) return cancelled(limits.signal);
    const own = wireErrorOf(details);
    if (own === undefined) {
      if (code === CODES.DEADLINE_EXCEEDED && limits) return timedOut(limits.timeoutMs);
      const cause = new GrpcError(code, message);
      if (unsent && code === CODES.UNAVAILABLE) return unreachable(address, cause);
      if (code === CODES.UNAVAILABLE && details === undefined) return brokenOff(address, cause);
    }
    return grpcFailure(code, message, own, reasonOf(details));
  }

  const optionsOf = (limits: Limits, metadata: Texts = {}): OutgoingOptions => ({
    metadata: { ...token, ...metadata },
    timeoutMs: limits.timeoutMs,
    signal: limits.signal,
  });

  return {
    async unary<O>(method: string, request: object, limits: Limits, metadata?: Texts): Promise<O> {
      const codec = protos.method<object, O>(SERVICE, method);
      const message = codec.request.encode(request);
      try {
        const path = `/${SERVICE}/${method}`;
        const reply = await client.unary(path, message, optionsOf(limits, metadata));
        return codec.response.decode(reply.message);
      } catch (error) {
        throw error instanceof GrpcError ? errorOf(error.status, error.unsent, limits) : error;
      }
    },
    open: (method, options) =>
      client.call(`/${SERVICE}/${method}`, {
        ...options,
        metadata: { ...token, ...options.metadata },
      }),
    codec: (method) => protos.method(SERVICE, method),
    async failureOf(call, limits) {
      const { status, unsent } = await call.ended;
      return status.code === CODES.OK
        ? new TroupeError('UNAVAILABLE', 'the sidecar ended the stream')
        : errorOf(status, unsent, limits);
    },
    close: () => client.close(),
  };
}
