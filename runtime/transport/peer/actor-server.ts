/** What other sidecars bring to the actors of this host: calls, firings of reminders and of timers. */
import type { ActorsApi } from '../../api/actors.ts';
import { isTroupeError } from '../../core/errors.ts';
import { callOf } from '../call-headers.ts';
import { bytesOfAny } from '../grpc/any.ts';
import type { Call } from '../grpc/call.ts';
import { duplex, EMPTY, unary, type MethodRow } from '../grpc/registry.ts';
import { explained, GrpcError } from '../grpc/status.ts';
import {
  actorMetadata,
  CALL_MOVED,
  firingData,
  MOVED,
  type ReminderMessage,
} from './actor-messages.ts';
import { headersOf, type InternalRequest, type InternalResponse } from './messages.ts';

/** A reminder or timer of an actor here that another sidecar was asked to fire. */
export interface PeerFiring {
  readonly type: string;
  readonly id: string;
  readonly name: string;
  readonly data: unknown;
  readonly isTimer: boolean;
  readonly dueTime: string;
  readonly period: string;
  readonly deadline: number | undefined;
  readonly signal: AbortSignal;
}

export interface ActorRowsOptions {
  readonly actors: Pick<ActorsApi, 'call'>;
  /** Absent: this host has no actors. Errors: as of a call. */
  readonly fire?: ((firing: PeerFiring) => Promise<unknown>) | undefined;
}

const encoder = new TextEncoder();

/** The caller has another picture of who owns the actor, and looks again. */
const isElsewhere = (error: unknown): boolean =>
  isTroupeError(error) && (error.code === 'NOT_FOUND' || error.code === 'MOVED');

async function callActor(
  { actors }: ActorRowsOptions,
  request: InternalRequest,
  call: Call,
): Promise<InternalResponse> {
  const { actor, message } = request;
  if (!actor || !message) {
    throw new GrpcError('INVALID_ARGUMENT', 'parsing InternalInvokeRequest error: no actor');
  }
  const headers = headersOf(request.metadata);
  if (message.contentType !== '') headers['content-type'] = message.contentType;
  const { chainId, chain, once, headers: trace } = callOf(headers, 0);
  const reply = await actors.call({
    type: actor.actorType,
    id: actor.actorId,
    method: message.method,
    payload: new Uint8Array(bytesOfAny(message.data)),
    deadline: call.deadline,
    chainId,
    chain,
    once,
    headers: trace,
    isForwarded: true,
    signal: call.signal,
    wire: { headers, query: message.httpExtension?.querystring ?? '' },
  });
  const { data, headers: answered = {} } = reply;
  const { 'content-type': type, ...others } = answered;
  const fallback = reply.binary && !reply.headers ? 'application/octet-stream' : 'application/json';
  const contentType = typeof type === 'string' ? type : fallback;
  return {
    status: { code: 200, message: '', details: [] },
    headers: actorMetadata({ ...others, 'content-type': contentType }),
    trailers: {},
    message: {
      data: { type_url: '', value: typeof data === 'string' ? encoder.encode(data) : data },
      contentType,
    },
  };
}

async function fire(
  { fire: take }: ActorRowsOptions,
  { actorType, actorId, data, ...message }: ReminderMessage,
  { deadline, signal }: Call,
): Promise<object> {
  if (!take) throw new GrpcError('UNKNOWN', MOVED);
  const { name, isTimer, dueTime, period } = message;
  const times = { isTimer, dueTime, period, deadline, signal };
  await take({ type: actorType, id: actorId, name, data: firingData(data), ...times });
  return EMPTY;
}

export function actorRows(options: ActorRowsOptions): MethodRow[] {
  return [
    unary<InternalRequest, InternalResponse>('CallActor', async (request, call) => {
      try {
        return await callActor(options, request, call);
      } catch (error) {
        if (isElsewhere(error)) throw new GrpcError('INTERNAL', CALL_MOVED);
        throw explained(error, 'ACTOR_INVOKE_METHOD', (code) =>
          code === 'METHOD_NOT_FOUND' || code === 'INTERNAL' || code === 'COMPONENT'
            ? 'error invoke actor method'
            : undefined,
        );
      }
    }),
    unary<ReminderMessage, object>('CallActorReminder', async (message, call) => {
      try {
        return await fire(options, message, call);
      } catch (error) {
        if (isElsewhere(error)) throw new GrpcError('UNKNOWN', MOVED);
        throw error;
      }
    }),
    // Of Dapr's actors only its own workflows answer in streams, and none of them lives here.
    duplex<InternalRequest, InternalResponse>('CallActorStream', async () => {
      throw new GrpcError('UNIMPLEMENTED', 'actors of this host answer no streams');
    }),
  ];
}
