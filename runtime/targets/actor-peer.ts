/** Calls and firings to the sidecar that has the actor: daprd or Troupe, which look the same from here. */
import { toBytes, wireReply, type LocalValue, type Payload } from '../core/codec.ts';
import type { Firing } from '../core/timers.ts';
import { fromWireError, TroupeError } from '../core/errors.ts';
import type { Peer, PeerCall } from '../core/peer.ts';
import { bytesOfAny } from '../transport/grpc/any.ts';
import type { OutgoingOptions } from '../transport/grpc/client-call.ts';
import { hostAndPort } from '../transport/grpc/client.ts';
import { callHeaders } from '../transport/call-headers.ts';
import { createProtos, type Protos } from '../transport/grpc/proto.ts';
import { wireErrorOf } from '../transport/grpc/status-details.ts';
import { CODES, goCodeName, GrpcError } from '../transport/grpc/status.ts';
import {
  actorMetadata,
  CALL_MOVED,
  DISSEMINATING,
  MOVED,
  reminderMessage,
  type ReminderMessage,
} from '../transport/peer/actor-messages.ts';
import type { PeerConnections } from '../transport/peer/connections.ts';
import {
  headersOf,
  SERVICE,
  type InternalRequest,
  type InternalResponse,
} from '../transport/peer/messages.ts';

export interface ActorPeerOptions {
  readonly connections: PeerConnections;
  readonly now: () => number;
  readonly protos?: Protos | undefined;
}

const V1 = 1;
const POST = 3;
const PREFIX = 'error invoke actor method: ';

function requestOf(call: PeerCall, now: number): InternalRequest {
  const { type, id, method, payload, wire } = call;
  // What only a host may say of a call is not taken from whoever made it.
  const { 'troupe-chain': _chain, 'troupe-once': _once, ...given } = wire?.headers ?? {};
  const metadata = actorMetadata({
    'content-type': 'application/json',
    ...given,
    ...callHeaders(call, now),
  });
  return {
    ver: V1,
    metadata,
    actor: { actorType: type, actorId: id },
    message: {
      method,
      contentType: metadata['Content-Type']!.values[0]!,
      data: { type_url: '', value: toBytes(payload) },
      httpExtension: { verb: POST, querystring: wire?.query ?? '' },
    },
  };
}

/** Of a timer the message carries all but the method that it calls. */
function firingMessage(call: PeerCall): Partial<ReminderMessage> {
  const { value } = call.payload as LocalValue;
  if (call.kind === 'reminder') return reminderMessage(call, value as Firing);
  const { firing } = value as { firing: Firing };
  const { due, period } = firing.given ?? {};
  return {
    ...reminderMessage(call, firing),
    isTimer: true,
    dueTime: typeof due === 'string' ? due : '',
    period: typeof period === 'string' ? period : '',
  };
}

function replyOf({ headers, message }: InternalResponse): Payload {
  const received = headersOf(headers);
  if (message?.contentType) received['content-type'] = message.contentType;
  return wireReply(new Uint8Array(bytesOfAny(message?.data)), received);
}

/** What is left of a call is sent in whole milliseconds, so that its time may end a little sooner over there. */
const CLOSE_MS = 2;

/** The error of the turn over there, or of the way to it. */
function errorOf(
  error: unknown,
  { type, id, method }: PeerCall,
  { address, isOver }: { address: string; isOver: boolean },
): unknown {
  if (!(error instanceof GrpcError)) return error;
  const { code, message, details } = error.status;
  const options = { cause: error, actor: { type, id }, method };
  if (message === CALL_MOVED || message === MOVED || message.endsWith(DISSEMINATING)) {
    return new TroupeError('MOVED', `${type}/${id} is not on ${address} any more`, options);
  }
  const wire = wireErrorOf(details);
  // What an app refused is told below, as of any sidecar's.
  if (wire && wire.code !== 'COMPONENT') return fromWireError(wire);
  switch (code) {
    case CODES.UNAVAILABLE: {
      const unknown = error.unsent ? '' : '; whether the call took effect is unknown';
      const text = `the sidecar of ${type}/${id} at ${address} cannot be reached: ${message}`;
      return new TroupeError('UNAVAILABLE', text + unknown, {
        ...options,
        details: { started: !error.unsent },
      });
    }
    case CODES.DEADLINE_EXCEEDED:
      return new TroupeError('TIMEOUT', `${type}/${id} ${method}: ${message}`, options);
    case CODES.CANCELLED: {
      // Over there the time of a call ends as well, and may be told as a cancellation.
      const code = isOver ? 'TIMEOUT' : 'CANCELLED';
      return new TroupeError(code, `${type}/${id} ${method}: ${message}`, options);
    }
    case CODES.PERMISSION_DENIED:
      return new TroupeError('FORBIDDEN', message, options);
    default:
      return new TroupeError(
        'COMPONENT',
        message.startsWith(PREFIX) ? message.slice(PREFIX.length) : message,
        { ...options, details: { rpc: goCodeName(code) } },
      );
  }
}

export function createActorPeer(options: ActorPeerOptions): Peer {
  const { connections, now, protos = createProtos() } = options;

  async function send(
    address: string,
    { deadline }: PeerCall,
    signal: AbortSignal,
    name: string,
    message: Uint8Array,
  ): Promise<Buffer> {
    const given: OutgoingOptions = { signal, timeoutMs: Math.max(1, deadline - now()) };
    const client = connections.to(hostAndPort(address));
    return (await client.unary(`/${SERVICE}/${name}`, message, given)).message;
  }

  return {
    async call(address, call, signal) {
      try {
        if (call.kind === 'reminder' || call.kind === 'timer') {
          const { request } = protos.method<Partial<ReminderMessage>, object>(
            SERVICE,
            'CallActorReminder',
          );
          const message = request.encode(firingMessage(call));
          await send(address, call, signal, 'CallActorReminder', message);
          return new Uint8Array(0);
        }
        const codec = protos.method<InternalRequest, InternalResponse>(SERVICE, 'CallActor');
        const message = codec.request.encode(requestOf(call, now()));
        return replyOf(
          codec.response.decode(await send(address, call, signal, 'CallActor', message)),
        );
      } catch (error) {
        throw errorOf(error, call, { address, isOver: now() + CLOSE_MS >= call.deadline });
      }
    },
  };
}
