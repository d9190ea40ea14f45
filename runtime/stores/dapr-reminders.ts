/**
 * Reminders kept by Dapr's scheduler, through daprd's gRPC API: of its two APIs
 * the one that takes a failure policy, so that a firing whose handler fails is
 * tried again until it went well, and is not given up after three tries.
 *
 * What travels as data by that API reaches the app as base64 text. It is packed
 * so that it is told from the data of reminders that others have registered.
 */
import { TroupeError, type ActorAddress, type ErrorCode } from '../core/errors.ts';
import type { Clock, FailurePolicy, ReminderRecord } from '../core/ports.ts';
import type { ReminderService } from '../core/services.ts';
import { bytesOfAny, type AnyBytes } from '../transport/grpc/any.ts';
import type { GrpcClient } from '../transport/grpc/client.ts';
import type { Protos } from '../transport/grpc/proto.ts';
import { CODES, GrpcError } from '../transport/grpc/status.ts';
import { daprTimes } from './dapr-times.ts';

const SERVICE = 'dapr.proto.runtime.v1.Dapr';
const PACKED = '$troupe';
const RETRY_MS = 1000;
const encoder = new TextEncoder();

export interface DaprdGrpc {
  readonly client: GrpcClient;
  readonly protos: Protos;
  /** Sent as `dapr-api-token`. */
  readonly apiToken?: string | undefined;
}

interface ReminderMessage {
  readonly actorType: string;
  readonly actorId: string;
  readonly dueTime?: string | null;
  readonly period?: string | null;
  readonly ttl?: string | null;
  readonly data?: AnyBytes | null;
}

const ERRORS: Readonly<Record<number, ErrorCode>> = {
  [CODES.INVALID_ARGUMENT]: 'INVALID_ARGUMENT',
  [CODES.ALREADY_EXISTS]: 'CONFLICT',
  [CODES.PERMISSION_DENIED]: 'FORBIDDEN',
  [CODES.NOT_FOUND]: 'NOT_FOUND',
};

/** One call of daprd's gRPC API. Errors: typed, with daprd's own words. */
async function callDaprd<O>(
  { client, protos, apiToken }: DaprdGrpc,
  method: string,
  request: object,
): Promise<O> {
  const { request: input, response } = protos.method<object, O>(SERVICE, method);
  try {
    const metadata = apiToken === undefined ? {} : { 'dapr-api-token': apiToken };
    const path = `/${SERVICE}/${method}`;
    const { message } = await client.unary(path, input.encode(request), { metadata });
    return response.decode(message);
  } catch (cause) {
    if (!(cause instanceof GrpcError)) throw cause;
    const { code, message } = cause.status;
    throw new TroupeError(ERRORS[code] ?? 'UNAVAILABLE', `daprd refused ${method}: ${message}`, {
      cause,
      details: { grpc: code },
    });
  }
}

/** The data of a firing, or of a reminder, as it was given. */
export function unpackReminderData(data: unknown): unknown {
  if (typeof data !== 'string') return data;
  const text = Buffer.from(data, 'base64').toString();
  if (!text.startsWith(`{"${PACKED}":`)) return data;
  try {
    return (JSON.parse(text) as { readonly [PACKED]: { readonly data?: unknown } })[PACKED].data;
  } catch {
    return data;
  }
}

const pack = (data: unknown): Uint8Array => encoder.encode(JSON.stringify({ [PACKED]: { data } }));

function policyMessage(policy: FailurePolicy | undefined): object {
  if (policy?.kind === 'drop') return { drop: {} };
  const { intervalMs = RETRY_MS, maxRetries } = policy ?? {};
  const interval = { seconds: Math.floor(intervalMs / 1000), nanos: (intervalMs % 1000) * 1e6 };
  return { constant: { interval, ...(maxRetries === undefined ? {} : { maxRetries }) } };
}

function recordOf(name: string, message: ReminderMessage): ReminderRecord {
  const { dueTime, period, ttl, data } = message;
  const due = Date.parse(dueTime ?? '');
  const expires = Date.parse(ttl ?? '');
  const json = data ? new TextDecoder().decode(bytesOfAny(data)) : '';
  return {
    name,
    due: Number.isNaN(due) ? 0 : due,
    ...(period ? { period: period.replace(/^@every /, '') } : {}),
    ...(Number.isNaN(expires) ? {} : { expires }),
    ...(json === '' ? {} : { data: unpackReminderData(JSON.parse(json)) }),
    failures: 0,
  };
}

export function createDaprReminders(daprd: DaprdGrpc, clock: Clock): ReminderService {
  const addressed = ({ type, id }: ActorAddress): object => ({ actorType: type, actorId: id });
  return {
    async set(actor, name, spec) {
      await callDaprd(daprd, 'RegisterActorReminder', {
        ...addressed(actor),
        ...daprTimes(spec, clock.now()),
        name,
        ...(spec.data === undefined ? {} : { data: pack(spec.data) }),
        ...(spec.overwrite === undefined ? {} : { overwrite: spec.overwrite }),
        failurePolicy: policyMessage(spec.failurePolicy),
      });
    },

    async get(actor, name) {
      try {
        const request = { ...addressed(actor), name };
        return recordOf(name, await callDaprd(daprd, 'GetActorReminder', request));
      } catch (error) {
        const isAbsent = error instanceof TroupeError && error.code === 'NOT_FOUND';
        if (isAbsent) return undefined;
        throw error;
      }
    },

    async delete(actor, name) {
      await callDaprd(daprd, 'UnregisterActorReminder', { ...addressed(actor), name });
    },

    async list(type, id) {
      const { reminders = [] } = await callDaprd<{
        readonly reminders?: readonly { name: string; reminder: ReminderMessage }[];
      }>(daprd, 'ListActorReminders', {
        actorType: type,
        ...(id === undefined ? {} : { actorId: id }),
      });
      return reminders.map(({ name, reminder }) => ({
        actor: { type: reminder.actorType, id: reminder.actorId },
        record: recordOf(name, reminder),
      }));
    },

    async deleteAll(type, id) {
      await callDaprd(daprd, 'UnregisterActorRemindersByType', {
        actorType: type,
        ...(id === undefined ? {} : { actorId: id }),
      });
    },
  };
}
