/**
 * What daprd asks of the actors of this process, whatever wire it asks over:
 * which types there are, and a call, a firing or the end of an actor, each
 * entered as a turn that daprd has given out.
 */
import { LocalValue, type Payload } from '../core/codec.ts';
import type { Engine } from '../core/engine.ts';
import { toWireError, type ActorAddress } from '../core/errors.ts';
import type { OutgoingCall } from '../core/ports.ts';
import { BYTES } from '../placement/daprd.ts';
import { unpackReminderData } from '../stores/dapr-reminders.ts';
import { DRAIN, type DaprStore } from '../stores/dapr-store.ts';
import { callOf, isFromTroupe } from '../transport/call-headers.ts';

/**
 * The depth of chains that daprd is told: the engine refuses deeper ones before it can. When
 * daprd does, it forgets to release the turn, and the actor takes no more calls.
 */
export const MAX_STACK_DEPTH = 2 ** 31 - 1;

/** How daprd keeps a type. */
export interface DaprEntity {
  readonly type: string;
  readonly idleMs: number;
  readonly reentrancyDepth: number;
}

type Headers = Readonly<Record<string, string | readonly string[] | undefined>>;

export interface DaprInvocation extends ActorAddress {
  readonly method: string;
  readonly headers: Headers;
  readonly body: Uint8Array;
  readonly signal?: AbortSignal | undefined;
}

export interface DaprFiring extends ActorAddress {
  readonly name: string;
  readonly data: unknown;
  /** Of timers: the method that is to be called. */
  readonly callback?: string;
  readonly headers: Headers;
  readonly signal?: AbortSignal | undefined;
}

export interface DaprReply {
  readonly body: Uint8Array | string;
  /** `application/json`, or that of bytes. Absent: there is no body. */
  readonly contentType?: string;
  /**
   * What the body is. An `error` daprd passes on as the actor's own, with a success and a
   * header that only callers of Troupe read; for others it is a `failure`, in daprd's words.
   */
  readonly kind: 'answer' | 'error' | 'failure';
}

export interface DaprCallbacks {
  readonly entities: readonly DaprEntity[];
  /** daprd begins anew and knows of no actor: those that are active here are ended. */
  begin(): Promise<void>;
  /** Never rejects: an error is a reply too. */
  invoke(invocation: DaprInvocation): Promise<DaprReply>;
  /** Rejects when the handler failed; whoever keeps the reminder tries again then. */
  remind(firing: DaprFiring): Promise<void>;
  fireTimer(firing: DaprFiring): Promise<void>;
  deactivate(actor: ActorAddress): Promise<void>;
}

export interface DaprCallbacksOptions {
  readonly engine: Engine;
  readonly store: DaprStore;
  readonly entities: readonly DaprEntity[];
}

function replyOf(payload: Payload): DaprReply {
  const value = payload instanceof LocalValue ? payload.value : payload;
  if (value === undefined) return { body: '', kind: 'answer' };
  if (value instanceof Uint8Array) return { body: value, contentType: BYTES, kind: 'answer' };
  return { body: JSON.stringify(value), contentType: 'application/json', kind: 'answer' };
}

/** The form of an error over HTTP, so that whoever calls daprd sees what it would see without one. */
function errorReply(error: unknown, headers: Headers): DaprReply {
  const details = toWireError(error);
  const { code: errorCode, message } = details;
  const body = JSON.stringify({ errorCode, message, details });
  const kind = isFromTroupe(headers) ? 'error' : 'failure';
  return { body, contentType: 'application/json', kind };
}

export function createDaprCallbacks({
  engine,
  store,
  entities,
}: DaprCallbacksOptions): DaprCallbacks {
  const { clock } = engine.parts;

  function enter(call: Omit<OutgoingCall, 'isForwarded'>, headers: Headers): Promise<Payload> {
    return engine.actors.call({ ...call, ...callOf(headers, clock.now()), isForwarded: true });
  }

  return {
    entities,

    async begin() {
      await engine.dismiss();
      store.forgetAll();
    },

    async invoke({ type, id, method, headers, body, signal }) {
      try {
        const payload = headers['content-type'] === BYTES ? new LocalValue(body) : body;
        return replyOf(await enter({ type, id, method, payload, signal }, headers));
      } catch (error) {
        return errorReply(error, headers);
      }
    },

    async remind({ type, id, name, data, headers, signal }) {
      if (name === DRAIN) {
        await store.drain({ type, id });
        await engine.parts.recheckOutbox();
        return;
      }
      const firing = { name, data: unpackReminderData(data), due: clock.now() };
      const payload = new LocalValue(firing);
      await enter({ type, id, method: name, kind: 'reminder', payload, signal }, headers);
    },

    async fireTimer({ type, id, name, data, callback, headers, signal }) {
      const firing = { name, data, due: clock.now() };
      const payload = new LocalValue({ firing, method: callback || undefined });
      await enter({ type, id, method: callback || name, kind: 'timer', payload, signal }, headers);
    },

    async deactivate(actor) {
      await engine.dismiss(actor);
      store.forget(actor);
    },
  };
}
