/**
 * Actors that live in an app beside this host. The engine keeps their turns,
 * deadlines, idle time, timers and reminders; a delivery carries each firing
 * and call to the app, over whatever the app speaks. Nothing here knows a
 * transport.
 */
import type { ActorInstance, ActorTarget } from '../core/actor-type.ts';
import type { Activation } from '../core/activation.ts';
import { toBytes, wireReply, type Payload, type WireReply } from '../core/codec.ts';
import type { ActorAddress } from '../core/errors.ts';
import type { WireRequest } from '../core/ports.ts';
import type { Firing } from '../core/timers.ts';
import type { Turn } from '../core/turn.ts';

/** How an app wants the actors of a type to be kept. */
export interface AppActorType {
  readonly type: string;
  readonly idleMs: number;
  /** Turns of one chain on one actor; 0: not reentrant. */
  readonly reentrancyDepth: number;
  /** How long turns may go on when their actor has to go to another host. Default 2 s. */
  readonly drainMs?: number;
}

export interface AppActorCall extends ActorAddress {
  /** The request that the call came by; undefined when it came from this process. */
  readonly wire: WireRequest | undefined;
  /** Trace context and other call metadata. */
  readonly headers: Readonly<Record<string, string>> | undefined;
  /** What the app has to send along with calls it makes, for the chain to be known. */
  readonly reentrancyId: string | undefined;
  /** Aborts when the actor has to leave this host before the app has answered. */
  readonly signal: AbortSignal;
}

export interface AppActorInvocation extends AppActorCall {
  readonly method: string;
  readonly body: Uint8Array;
}

export interface AppActorFiring extends AppActorCall {
  readonly name: string;
  /** JSON value, undefined when there is none. */
  readonly data: unknown;
  /** As they were given; empty when they were not, and for reminders. */
  readonly dueTime: string;
  readonly period: string;
}

export interface AppActorReply {
  readonly body: Uint8Array;
  readonly headers: WireReply['headers'];
}

/** Carries to the app. Each resolves when the app has answered. Errors: COMPONENT for what the app refused, UNAVAILABLE. */
export interface AppActorDelivery {
  invoke(call: AppActorInvocation): Promise<AppActorReply>;
  /** `cancel`: the app wants no more firings of it. */
  remind(firing: AppActorFiring): Promise<{ readonly cancel: boolean }>;
  fireTimer(firing: AppActorFiring & { readonly callback: string }): Promise<{
    readonly cancel: boolean;
  }>;
  deactivate(actor: ActorAddress): Promise<void>;
}

/** Calls that may wait for one actor. daprd has no bound; this one keeps a stuck app from filling the memory. */
const MAILBOX = 100_000;

export function createAppActorTarget(
  { type, idleMs, reentrancyDepth, drainMs }: AppActorType,
  delivery: AppActorDelivery,
): ActorTarget {
  return {
    type,
    idleMs,
    reentrancyDepth,
    drainMs,
    mailboxLimit: MAILBOX,
    outside: true,
    hasMethod: () => true,
    isReadOnly: () => false,
    activate: (activation) => new AppActor(activation, delivery, reentrancyDepth > 0),
  };
}

const asText = (value: unknown): string =>
  typeof value === 'string' || typeof value === 'number' ? String(value) : '';

class AppActor implements ActorInstance {
  readonly #activation: Activation;
  readonly #delivery: AppActorDelivery;
  readonly #isReentrant: boolean;
  /** The app knows of the actor, so it is to hear of its end. */
  #isKnown = false;

  constructor(activation: Activation, delivery: AppActorDelivery, isReentrant: boolean) {
    this.#activation = activation;
    this.#delivery = delivery;
    this.#isReentrant = isReentrant;
  }

  async invoke(method: string, payload: Payload): Promise<WireReply> {
    const call = this.#call(this.#turn());
    const body = toBytes(payload);
    const reply = await this.#delivery.invoke({ ...call, method, body });
    return wireReply(reply.body, reply.headers);
  }

  get onDeactivate(): (() => Promise<void>) | undefined {
    return this.#isKnown ? () => this.#delivery.deactivate(this.#activation.address) : undefined;
  }

  async onReminder({ name, data }: Firing): Promise<void> {
    const turn = this.#turn();
    const firing = { ...this.#call(turn), name, data, dueTime: '', period: '' };
    const { cancel } = await this.#delivery.remind(firing);
    if (cancel) turn.mutable().reminders.set(name, null);
  }

  async onTimer({ name, data, given }: Firing): Promise<void> {
    const turn = this.#turn();
    const { cancel } = await this.#delivery.fireTimer({
      ...this.#call(turn),
      name,
      data,
      callback: given?.method ?? '',
      dueTime: asText(given?.due),
      period: asText(given?.period),
    });
    if (cancel) turn.mutable().timers.set(name, null);
  }

  #turn(): Turn {
    return this.#activation.currentTurn('an actor of the app was called');
  }

  #call(turn: Turn): AppActorCall {
    this.#isKnown = true;
    const { type, id, parts } = this.#activation;
    const { wire, headers } = turn.call;
    return {
      type,
      id,
      wire,
      headers,
      signal: this.#activation.leaving,
      reentrancyId: this.#isReentrant ? turn.chainIdOr(() => parts.random.id()) : turn.chainId,
    };
  }
}
