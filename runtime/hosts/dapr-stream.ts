/**
 * daprd's calls to this process over a stream that this process opened
 * (SubscribeActorEventsAlpha1), for a daprd without an app port. A stream that
 * breaks took the actors along, and is opened again until it is closed.
 */
import { TroupeError, toWireError } from '../core/errors.ts';
import type { Clock, EngineLogger } from '../core/ports.ts';
import type { DaprdGrpc } from '../stores/dapr-reminders.ts';
import { bytesOfAny, type AnyBytes } from '../transport/grpc/any.ts';
import type { OutgoingCall } from '../transport/grpc/client-call.ts';
import { CODES } from '../transport/grpc/status.ts';
import { durationOf } from '../transport/grpc/struct.ts';
import { MAX_STACK_DEPTH, type DaprCallbacks } from './dapr-callbacks.ts';

const SERVICE = 'dapr.proto.runtime.v1.Dapr';
const METHOD = 'SubscribeActorEventsAlpha1';
const PAUSE_MS = 500;
const encoder = new TextEncoder();
const decoder = new TextDecoder();

interface Addressed {
  readonly id: string;
  readonly actorType: string;
  readonly actorId: string;
}

interface FiringMessage extends Addressed {
  readonly name: string;
  readonly callback?: string;
  readonly data?: AnyBytes | null;
}

interface Message {
  readonly initialResponse?: object | null;
  readonly invokeRequest?:
    | (Addressed & {
        readonly method: string;
        readonly data: Uint8Array;
        readonly metadata: Readonly<Record<string, string>>;
      })
    | null;
  readonly reminderRequest?: FiringMessage | null;
  readonly timerRequest?: FiringMessage | null;
  readonly deactivateRequest?: Addressed | null;
}

export interface DaprStreamOptions {
  readonly grpc: DaprdGrpc;
  readonly callbacks: DaprCallbacks;
  readonly clock: Clock;
  readonly logger: EngineLogger;
}

export interface DaprStream {
  /** Answers until it is closed; opened anew as often as it breaks. */
  run(): Promise<void>;
  close(): void;
}

function registration({ entities }: DaprCallbacks): object {
  return {
    initialRequest: {
      entities: entities.map(({ type }) => type),
      drainRebalancedActors: true,
      entitiesConfig: entities.map(({ type, idleMs, reentrancyDepth }) => ({
        entities: [type],
        actorIdleTimeout: durationOf(idleMs),
        drainRebalancedActors: true,
        reentrancy: { enabled: reentrancyDepth > 0, maxStackDepth: MAX_STACK_DEPTH },
      })),
    },
  };
}

const lowerCase = (metadata: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(metadata).map(([name, value]) => [name.toLowerCase(), value]));

function dataOf({ data }: FiringMessage): unknown {
  const text = decoder.decode(bytesOfAny(data));
  return text === '' ? undefined : (JSON.parse(text) as unknown);
}

/** The answer to one request of daprd; undefined for what is none. */
async function answerTo(callbacks: DaprCallbacks, message: Message): Promise<object | undefined> {
  const { invokeRequest: invoke, reminderRequest, timerRequest, deactivateRequest } = message;
  if (invoke) {
    const { id, actorType: type, actorId, method, data, metadata } = invoke;
    const headers = lowerCase(metadata);
    const reply = await callbacks.invoke({ type, id: actorId, method, headers, body: data });
    const { body, contentType, kind } = reply;
    const bytes = typeof body === 'string' ? encoder.encode(body) : body;
    if (kind === 'failure') {
      return { requestFailed: { id, code: CODES.UNKNOWN, message: decoder.decode(bytes) } };
    }
    return {
      invokeResponse: {
        id,
        data: bytes,
        metadata: contentType === undefined ? {} : { 'content-type': contentType },
        error: kind === 'error',
      },
    };
  }
  const firing = reminderRequest ?? timerRequest;
  if (firing) {
    const { id, actorType: type, actorId, name, callback = '' } = firing;
    const fired = { type, id: actorId, name, callback, data: dataOf(firing), headers: {} };
    await (reminderRequest ? callbacks.remind(fired) : callbacks.fireTimer(fired));
    return reminderRequest ? { reminderResponse: { id } } : { timerResponse: { id } };
  }
  if (!deactivateRequest) return undefined;
  const { id, actorType: type, actorId } = deactivateRequest;
  await callbacks.deactivate({ type, id: actorId });
  return { deactivateResponse: { id } };
}

const idOf = (message: Message): string | undefined =>
  (message.reminderRequest ?? message.timerRequest ?? message.deactivateRequest)?.id;

export function createDaprStream(options: DaprStreamOptions): DaprStream {
  const { grpc, callbacks, clock, logger } = options;
  const ending = new AbortController();
  let call: OutgoingCall | undefined;

  async function serve(): Promise<void> {
    const { request, response } = grpc.protos.method<object, Message>(SERVICE, METHOD);
    const metadata = grpc.apiToken === undefined ? {} : { 'dapr-api-token': grpc.apiToken };
    const stream = grpc.client.call(`/${SERVICE}/${METHOD}`, { metadata });
    call = stream;
    await stream.write(request.encode(registration(callbacks)));
    const answer = async (message: Message): Promise<void> => {
      try {
        const reply = await answerTo(callbacks, message);
        if (reply) await stream.write(request.encode(reply));
      } catch (error) {
        const { message: why } = toWireError(error);
        const requestFailed = { id: idOf(message), code: CODES.UNKNOWN, message: why };
        await stream.write(request.encode({ requestFailed }));
      }
    };
    for await (const bytes of stream.messages()) void answer(response.decode(bytes));
    const { status } = await stream.ended;
    if (!ending.signal.aborted) throw new TroupeError('UNAVAILABLE', status.message);
  }

  return {
    async run() {
      while (!ending.signal.aborted) {
        try {
          await serve();
        } catch (error) {
          logger.info({ err: error }, 'the actor stream to daprd is opened again');
        }
        await callbacks.begin();
        await new Promise<void>((resolve) => {
          if (ending.signal.aborted) resolve();
          clock.timer(clock.now() + PAUSE_MS, resolve, { background: true });
          ending.signal.addEventListener('abort', () => resolve(), { once: true });
        });
      }
    },
    close() {
      ending.abort();
      call?.cancel();
    },
  };
}
