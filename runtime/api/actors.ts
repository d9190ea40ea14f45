/**
 * The actor building block: method calls, state, timers and reminders of the
 * actors of this system. Names are checked here; everything else enters the
 * engine through the ActorRuntime port. Method calls are the hot path: their
 * bytes are never parsed.
 */
import { TOO_DEEP } from '../core/admission.ts';
import { LocalValue, WireReply, type Payload } from '../core/codec.ts';
import { isTroupeError, type ActorAddress } from '../core/errors.ts';
import { LONGEST_NAME } from '../core/jobs.ts';
import type {
  ActorRuntime,
  EntryOperation,
  OutgoingCall,
  ReminderRecord,
  ReminderSpec,
  TimerSpec,
  WireRequest,
} from '../core/ports.ts';
import { ApiError } from './api-error.ts';
import { FORBIDDEN_IN_METHOD, withoutSteps } from './invoke-method.ts';

export interface ActorCallRequest extends ActorAddress {
  readonly method: string;
  readonly payload: Payload;
  /** Milliseconds since the epoch. */
  readonly deadline?: number | undefined;
  readonly chainId?: string | undefined;
  /** Actors of the chain that the call came by, and the durable send that it is, from another host. */
  readonly chain?: OutgoingCall['chain'];
  readonly once?: OutgoingCall['once'];
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly wire?: WireRequest | undefined;
  /** It came from the sidecar that took this one for the actor's. */
  readonly isForwarded?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

const LONGEST_KEY = 256;
export const IDEMPOTENCY_HEADER = 'idempotency-key';

/** What makes repetitions of a call with this key take effect once; undefined without a key. */
export function onceOf(key: string | undefined): OutgoingCall['once'] {
  if (key === undefined) return undefined;
  if (key === '' || key.length > LONGEST_KEY || key.includes('\n')) {
    throw new ApiError(
      'BAD_REQUEST',
      `invalid request: ${IDEMPOTENCY_HEADER} must have 1 to ${LONGEST_KEY} characters on one line`,
    );
  }
  return { key: `client||${key}`, stream: 'client', seq: 1 };
}

export interface ActorReply {
  /** JSON text or bytes; empty when the method returned nothing. */
  readonly data: Uint8Array | string;
  /** True when the method answered with bytes of its own instead of a value. */
  readonly binary: boolean;
  /** What an app outside answered with; absent for an actor of this process. */
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
}

export interface ActorsApi {
  call(request: ActorCallRequest): Promise<ActorReply>;
  getState(
    actor: ActorAddress,
    name: string,
  ): Promise<{ json: string; expiresAt?: number } | undefined>;
  /** Only for an actor that is active here: ERR_ACTOR_INSTANCE_MISSING otherwise. */
  changeState(actor: ActorAddress, operations: readonly EntryOperation[]): Promise<void>;
  setTimer(actor: ActorAddress, name: string, spec: TimerSpec): Promise<void>;
  deleteTimer(actor: ActorAddress, name: string): Promise<void>;
  setReminder(actor: ActorAddress, name: string, spec: ReminderSpec): Promise<void>;
  /** Rejects with ERR_ACTOR_REMINDER_NOT_FOUND. */
  getReminder(actor: ActorAddress, name: string): Promise<ReminderRecord>;
  deleteReminder(actor: ActorAddress, name: string): Promise<void>;
  /** Reminders of a hosted type, or of one actor of it, by due time. */
  listReminders(type: string, id?: string): Promise<NamedReminder[]>;
  /** Deletes them; each as a turn of its actor. */
  deleteReminders(type: string, id?: string): Promise<void>;
}

export interface NamedReminder {
  readonly actor: ActorAddress;
  readonly record: ReminderRecord;
}

// oxlint-disable-next-line no-control-regex -- Control characters are what the names are checked for.
const FORBIDDEN = /[#?/\\\x00-\x1f\x7f]/;
/** Nothing to clean. */
const PLAIN = /^[^/.]+$/;
const RESERVED = /^dapr\.internal\..+\.(?:workflow|activity|executor|retentioner)$/;

function checkName(value: string, what: string): void {
  if (FORBIDDEN.test(value) || value === '.' || value === '..') {
    const shown = JSON.stringify(value);
    throw new ApiError(
      'BAD_REQUEST',
      `invalid request: invalid ${what}: ${shown} must not be a path step nor hold # ? / \\ or control characters`,
    );
  }
}

/** An error that an app knows from Dapr, and nothing more of it. */
function inDaprsWords(cause: unknown): never {
  if (!isTroupeError(cause) || cause.message !== TOO_DEEP) throw cause;
  throw new ApiError('ACTOR_STACK_DEPTH', TOO_DEEP, { cause });
}

/** As in Dapr, a method may be a path: its steps are taken, so that it stays below its actor. */
function cleanMethod(method: string): string {
  if (!FORBIDDEN_IN_METHOD.test(method)) return PLAIN.test(method) ? method : withoutSteps(method);
  throw new ApiError(
    'BAD_REQUEST',
    `invalid request: invalid method: ${JSON.stringify(method)} must not hold # ? or control characters`,
  );
}

function checkActor({ type, id }: ActorAddress): void {
  if (RESERVED.test(type)) {
    throw new ApiError(
      'ACTOR_TYPE_RESERVED',
      `actor type "${type}" is reserved for the Dapr workflow runtime; direct actor API access is not permitted`,
    );
  }
  checkName(type, 'actorType');
  checkName(id, 'actorId');
}

function checkNamed(actor: ActorAddress, name: string): void {
  checkActor(actor);
  if (name === '') {
    throw new ApiError('BAD_REQUEST', 'invalid request: the name must not be empty');
  }
  checkName(name, 'name');
}

/** What whoever keeps timers and reminders refuses becomes the error that daprd has for the operation. */
const REFUSALS = {
  ACTOR_TIMER_CREATE: 'error creating actor timer',
  ACTOR_REMINDER_CREATE: 'error creating actor reminder',
  ACTOR_REMINDER_GET: 'error getting actor reminder',
  ACTOR_REMINDER_DELETE: 'error deleting actor reminder',
} as const;

async function orFail<T>(name: keyof typeof REFUSALS, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    const isRefused =
      isTroupeError(cause) && (cause.code === 'INVALID_ARGUMENT' || cause.code === 'COMPONENT');
    if (!isRefused) throw cause;
    throw new ApiError(name, `${REFUSALS[name]}: ${cause.message}`, { cause });
  }
}

/** A value becomes text and not bytes, because a server sends text with its head in one write. */
function replyOf(reply: Payload): ActorReply {
  if (reply instanceof WireReply) return { data: reply, binary: true, headers: reply.headers };
  if (!(reply instanceof LocalValue)) return { data: reply, binary: false };
  const { value } = reply;
  if (value instanceof Uint8Array) return { data: value, binary: true };
  return { data: value === undefined ? '' : JSON.stringify(value), binary: false };
}

function unavailable(): never {
  throw new ApiError(
    'ACTOR_RUNTIME_NOT_FOUND',
    'this app hosts no actors: pass actor types to the system, and give it a state store with actorStateStore "true"',
  );
}

/** `hasTtl` false: entries may not expire. */
export function createActorsApi(actors: ActorRuntime | undefined, hasTtl = true): ActorsApi {
  const runtime = (): ActorRuntime => actors ?? unavailable();

  function requireHosted({ type }: Pick<ActorAddress, 'type'>): void {
    if (
      !runtime()
        .types()
        .some((hosted) => hosted.type === type)
    ) {
      throw new ApiError(
        'ACTOR_REMINDER_NON_HOSTED',
        'operations on actor reminders are only possible on hosted actor types',
      );
    }
  }

  return {
    async call(request) {
      checkActor(request);
      const method = cleanMethod(request.method);
      const cleaned = method === request.method ? request : { ...request, method };
      return replyOf(await runtime().call(cleaned).catch(inDaprsWords));
    },

    async getState(actor, name) {
      checkActor(actor);
      return runtime().getState(actor, name);
    },

    async changeState(actor, operations) {
      checkActor(actor);
      if (!runtime().isActive(actor)) {
        throw new ApiError('ACTOR_INSTANCE_MISSING', 'actor instance is missing');
      }
      if (!hasTtl && operations.some((one) => one.kind === 'upsert' && one.ttlSeconds)) {
        throw new ApiError(
          'ACTOR_STATE_TRANSACTION',
          'error saving actor transaction state: ttlInSeconds is not supported without the "ActorStateTTL" feature enabled',
        );
      }
      if (operations.length > 0) await runtime().changeState(actor, operations);
    },

    async setTimer(actor, name, spec) {
      checkNamed(actor, name);
      await orFail('ACTOR_TIMER_CREATE', () => runtime().setTimer(actor, name, spec));
    },

    async deleteTimer(actor, name) {
      checkNamed(actor, name);
      await runtime().deleteTimer(actor, name);
    },

    async setReminder(actor, name, spec) {
      checkNamed(actor, name);
      if (name.length > LONGEST_NAME) {
        throw new ApiError(
          'ACTOR_REMINDER_CREATE',
          `error creating actor reminder: its name is longer than ${LONGEST_NAME} characters`,
        );
      }
      requireHosted(actor);
      try {
        await orFail('ACTOR_REMINDER_CREATE', () => runtime().setReminder(actor, name, spec));
      } catch (cause) {
        if (!isTroupeError(cause) || cause.code !== 'CONFLICT') throw cause;
        const text = `actor reminder already exists: ${name}`;
        throw new ApiError('ACTOR_REMINDER_ALREADY_EXISTS', text, { cause });
      }
    },

    async getReminder(actor, name) {
      checkNamed(actor, name);
      requireHosted(actor);
      const record = await orFail('ACTOR_REMINDER_GET', () => runtime().getReminder(actor, name));
      if (record) return record;
      throw new ApiError('ACTOR_REMINDER_NOT_FOUND', `actor reminder not found: ${name}`);
    },

    async deleteReminder(actor, name) {
      checkNamed(actor, name);
      requireHosted(actor);
      await orFail('ACTOR_REMINDER_DELETE', () => runtime().deleteReminder(actor, name));
    },

    async listReminders(type, id) {
      checkActor({ type, id: id ?? 'any' });
      requireHosted({ type });
      return runtime().reminders(type, id);
    },

    async deleteReminders(type, id) {
      checkActor({ type, id: id ?? 'any' });
      requireHosted({ type });
      await orFail('ACTOR_REMINDER_DELETE', () => runtime().deleteReminders(type, id));
    },
  };
}
