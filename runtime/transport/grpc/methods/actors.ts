/** gRPC methods of the actor block; the event stream of gRPC apps is actor-events.ts. */
import { reminderFacts } from '../../../api/actor-reminder.ts';
import {
  IDEMPOTENCY_HEADER,
  onceOf,
  type ActorsApi,
  type NamedReminder,
} from '../../../api/actors.ts';
import { ApiError } from '../../../api/api-error.ts';
import { rfc3339 } from '../../../api/route.ts';
import type { ActorAddress } from '../../../core/errors.ts';
import type { EntryOperation, TimerSpec } from '../../../core/ports.ts';
import { firstOf } from '../metadata.ts';
import { bytesOfAny, bytesValue, type AnyBytes } from '../any.ts';
import { EMPTY, unary, type MethodRow } from '../registry.ts';
import { failurePolicyOf, type PolicyMessage } from './jobs.ts';
import { traceOf } from '../trace.ts';

type Texts = Readonly<Record<string, string>>;

interface ActorMessage {
  readonly actorType: string;
  readonly actorId: string;
}

interface NamedMessage extends ActorMessage {
  readonly name: string;
}

interface ScheduleMessage extends NamedMessage {
  readonly dueTime: string;
  readonly period: string;
  readonly ttl: string;
  readonly data: Buffer;
}

interface TypeMessage {
  readonly actorType: string;
  readonly actorId?: string | null;
}

interface InvokeMessage extends ActorMessage {
  readonly method: string;
  readonly data: Buffer;
  readonly metadata: Texts;
}

interface TransactionMessage extends ActorMessage {
  readonly operations: readonly {
    readonly operationType: string;
    readonly key: string;
    readonly value?: AnyBytes | null;
    readonly metadata: Texts;
  }[];
}

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true });

const addressOf = ({ actorType, actorId }: ActorMessage): ActorAddress => ({
  type: actorType,
  id: actorId,
});

function textOf(data: string | Uint8Array): Uint8Array {
  return typeof data === 'string' ? encoder.encode(data) : data;
}

/** State is kept as text; an app's own form of it may be any. */
function stateText(bytes: Uint8Array, key: string): string {
  try {
    return decoder.decode(bytes) || 'null';
  } catch (cause) {
    const text = `value of "${key}" must be UTF-8 text; encode bytes, for example as base64`;
    throw new ApiError('MALFORMED_REQUEST', text, { cause });
  }
}

function scheduleOf({ dueTime, period, ttl, data }: ScheduleMessage): TimerSpec {
  return {
    ...(dueTime ? { due: dueTime } : {}),
    ...(period ? { period } : {}),
    ...(ttl ? { ttl } : {}),
    // As in Dapr, bytes reach the app as JSON has bytes: in base64.
    ...(data.length === 0 ? {} : { data: Buffer.from(data).toString('base64') }),
  };
}

function reminderMessage({ actor, record }: NamedReminder): object {
  const { actorID, actorType, data, ...times } = reminderFacts(actor, record);
  return {
    actorType,
    actorId: actorID,
    ...times,
    ...(data === undefined ? {} : { data: bytesValue(encoder.encode(JSON.stringify(data))) }),
  };
}

function ttlSecondsOf(metadata: Texts): number | undefined {
  const text = metadata['ttlInSeconds'];
  if (text === undefined || text === '-1') return undefined;
  const seconds = Number(text);
  if (Number.isInteger(seconds) && seconds > 0) return seconds;
  throw new ApiError(
    'MALFORMED_REQUEST',
    'metadata ttlInSeconds must be a whole number above zero, or -1',
  );
}

function operationOf(one: TransactionMessage['operations'][number]): EntryOperation {
  const { operationType, key, value, metadata } = one;
  if (operationType === 'delete') return { kind: 'delete', name: key };
  if (operationType !== 'upsert') {
    throw new ApiError(
      'STATE_OPERATION_NOT_SUPPORTED',
      `operation type ${operationType} not supported`,
    );
  }
  const ttlSeconds = ttlSecondsOf(metadata);
  const json = stateText(bytesOfAny(value), key);
  return { kind: 'upsert', name: key, json, ...(ttlSeconds === undefined ? {} : { ttlSeconds }) };
}

function explain(code: string, { actorType, actorId }: ActorMessage): string | undefined {
  switch (code) {
    case 'NOT_FOUND':
      return `did not find address for actor '${actorType}||${actorId}'`;
    case 'METHOD_NOT_FOUND':
      return 'error invoke actor method: actor method not found';
    case 'COMPONENT':
    case 'INTERNAL':
      return 'error invoke actor method';
    default:
      return undefined;
  }
}

/** A name of metadata in whatever case the caller wrote it. */
function valueOf(metadata: Texts, name: string): string | undefined {
  for (const key of Object.keys(metadata)) if (key.toLowerCase() === name) return metadata[key];
  return undefined;
}

function stateAndCalls(api: ActorsApi): MethodRow[] {
  return [
    unary<InvokeMessage, object>(
      'InvokeActor',
      async (request, call) => {
        const { method, data, metadata } = request;
        const { data: reply } = await api.call({
          ...addressOf(request),
          method,
          payload: data,
          deadline: call.deadline,
          chainId:
            valueOf(metadata, 'dapr-reentrancy-id') ?? firstOf(call.headers['dapr-reentrancy-id']),
          once: onceOf(
            valueOf(metadata, IDEMPOTENCY_HEADER) ?? firstOf(call.headers[IDEMPOTENCY_HEADER]),
          ),
          headers: { ...traceOf(call) },
          signal: call.signal,
        });
        return { data: textOf(reply) };
      },
      { failure: 'ACTOR_INVOKE_METHOD', explain },
    ),
    unary<ActorMessage & { key: string }, object>(
      'GetActorState',
      async (request) => {
        const entry = await api.getState(addressOf(request), request.key);
        if (!entry) return EMPTY;
        return {
          data: encoder.encode(entry.json),
          ...(entry.expiresAt === undefined
            ? {}
            : { metadata: { ttlExpireTime: rfc3339(entry.expiresAt) } }),
        };
      },
      { failure: 'ACTOR_STATE_GET' },
    ),
    unary<TransactionMessage, object>(
      'ExecuteActorStateTransaction',
      async (request) => {
        await api.changeState(addressOf(request), request.operations.map(operationOf));
        return EMPTY;
      },
      { failure: 'ACTOR_STATE_TRANSACTION' },
    ),
  ];
}

function timers(api: ActorsApi): MethodRow[] {
  return [
    unary<ScheduleMessage & { callback: string }, object>(
      'RegisterActorTimer',
      async (request) => {
        const { name, callback } = request;
        await api.setTimer(addressOf(request), name, {
          ...scheduleOf(request),
          ...(callback ? { method: callback } : {}),
        });
        return EMPTY;
      },
      { failure: 'ACTOR_TIMER_CREATE' },
    ),
    unary<NamedMessage, object>(
      'UnregisterActorTimer',
      async (request) => {
        await api.deleteTimer(addressOf(request), request.name);
        return EMPTY;
      },
      { failure: 'ACTOR_INVOKE_METHOD' },
    ),
  ];
}

function reminders(api: ActorsApi): MethodRow[] {
  return [
    unary<
      ScheduleMessage & { overwrite?: boolean | null; failurePolicy?: PolicyMessage | null },
      object
    >(
      'RegisterActorReminder',
      async (request) => {
        const failurePolicy = failurePolicyOf(request.failurePolicy);
        await api.setReminder(addressOf(request), request.name, {
          ...scheduleOf(request),
          overwrite: request.overwrite ?? undefined,
          ...(failurePolicy ? { failurePolicy } : {}),
        });
        return EMPTY;
      },
      { failure: 'ACTOR_REMINDER_CREATE' },
    ),
    unary<NamedMessage, object>(
      'UnregisterActorReminder',
      async (request) => {
        await api.deleteReminder(addressOf(request), request.name);
        return EMPTY;
      },
      { failure: 'ACTOR_REMINDER_DELETE' },
    ),
    unary<TypeMessage, object>(
      'UnregisterActorRemindersByType',
      async ({ actorType, actorId }) => {
        await api.deleteReminders(actorType, actorId ?? undefined);
        return EMPTY;
      },
      { failure: 'ACTOR_REMINDER_DELETE' },
    ),
    unary<NamedMessage, object>(
      'GetActorReminder',
      async (request) => {
        const actor = addressOf(request);
        return reminderMessage({ actor, record: await api.getReminder(actor, request.name) });
      },
      { failure: 'ACTOR_REMINDER_GET' },
    ),
    unary<TypeMessage, object>(
      'ListActorReminders',
      async ({ actorType, actorId }) => {
        const found = await api.listReminders(actorType, actorId ?? undefined);
        return {
          reminders: found.map((one) => ({
            name: one.record.name,
            reminder: reminderMessage(one),
          })),
        };
      },
      { failure: 'ACTOR_REMINDER_GET' },
    ),
  ];
}

export function actorMethods(api: ActorsApi): MethodRow[] {
  return [...stateAndCalls(api), ...timers(api), ...reminders(api)];
}
