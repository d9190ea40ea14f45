/**
 * A class written for Dapr's JavaScript SDK (it extends `AbstractActor` of
 * `@dapr/dapr`) as an actor of Troupe, unchanged: its state manager, reminders
 * and timers become those of the turn, so a method that throws leaves nothing
 * behind. Knows of the SDK only what such a class shows; the package itself is
 * the caller's.
 */
import { TroupeError } from '../core/errors.ts';
import { Actor, type ActorClass, type ActorOptions } from './actor.ts';
import type { ActorContext, Duration, Firing } from './context.ts';
import type { StateEntry } from './state.ts';

/** A class that extends `AbstractActor`. */
export type DaprActorClass = new (daprClient: never, id: never) => object;

export interface DaprActorOptions extends Pick<ActorOptions, 'idleTimeout' | 'mailbox'> {
  /** The name on the wire. Default: that of the class, as in the SDK. */
  readonly type?: string;
  /** The `DaprClient` that `getDaprClient()` gives, for classes that use it. */
  readonly client?: unknown;
}

type Method = (...args: unknown[]) => unknown;

/** What the SDK's base class has, as far as it is driven from here. */
interface SdkActor {
  onActivateInternal(): Promise<void>;
  onDeactivateInternal(): Promise<void>;
  onActorMethodPreInternal(): Promise<void>;
  onActorMethodPostInternal(): Promise<void>;
  resetStateInternal(): Promise<void>;
  actorClient: unknown;
  daprStateProvider: unknown;
  readonly [method: string]: unknown;
}

/** A length of time of `Temporal`, whose text is ISO 8601. */
interface Length {
  toString(): string;
}

interface Times {
  readonly dueTime?: Length;
  readonly period?: Length;
  readonly ttl?: Length;
  readonly data?: unknown;
  readonly callback?: string;
}

interface StateChange {
  getStateName(): string;
  getValue(): unknown;
  getChangeKind(): number;
}

const HTTP = 1;
const REMOVE = 3;
const RECEIVE = 'receiveReminder';
const HOOKS = new Set([
  'constructor',
  'onActivate',
  'onDeactivate',
  'onActorMethodPre',
  'onActorMethodPost',
  RECEIVE,
]);

/**
 * @throws TroupeError INVALID_ARGUMENT for a class that does not extend `AbstractActor`.
 */
export function daprActor(sdkClass: DaprActorClass, options: DaprActorOptions = {}): ActorClass {
  const { type: name = sdkClass.name, client, ...kept } = options;
  const bodies = new WeakMap<Actor, SdkActor>();

  /** One call as the SDK makes it: an array is the arguments, anything else the only one. */
  async function run(actor: Actor, method: string, argument: unknown): Promise<unknown> {
    const body = bodies.get(actor)!;
    // What a turn before left unsaved in the state manager's cache is not of this turn.
    await body.resetStateInternal();
    await body.onActorMethodPreInternal();
    const args = Array.isArray(argument) ? argument : argument === undefined ? [] : [argument];
    const result = await (body[method] as Method).apply(body, args);
    await body.onActorMethodPostInternal();
    return result;
  }

  class DaprActor extends Actor {
    static readonly type = name;
    static readonly options: ActorOptions = kept;

    constructor(ctx: ActorContext) {
      super(ctx);
      bodies.set(this, bodyOf(sdkClass, ctx, client ?? withoutClient(name)));
    }

    override onActivate(): Promise<void> {
      return bodies.get(this)!.onActivateInternal();
    }

    override onDeactivate(): Promise<void> {
      return bodies.get(this)!.onDeactivateInternal();
    }

    override async onReminder({ data }: Firing): Promise<void> {
      await run(this, RECEIVE, dataOf(data));
    }
  }

  for (const method of methodsOf(sdkClass)) {
    Object.defineProperty(DaprActor.prototype, method, {
      configurable: true,
      value(this: Actor, argument?: unknown) {
        return run(this, method, argument);
      },
    });
  }
  return DaprActor as ActorClass;
}

/** Methods between the class and the SDK's base. */
function methodsOf(sdkClass: DaprActorClass): string[] {
  const methods = new Set<string>();
  let at = sdkClass.prototype as object | null;
  for (; at && !Object.hasOwn(at, 'onActivateInternal'); at = Object.getPrototypeOf(at) as object) {
    for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(at))) {
      if (typeof value === 'function' && !HOOKS.has(name)) methods.add(name);
    }
  }
  if (at) return [...methods];
  throw new TroupeError(
    'INVALID_ARGUMENT',
    `class ${sdkClass.name} does not extend AbstractActor of @dapr/dapr`,
  );
}

function bodyOf(sdkClass: DaprActorClass, ctx: ActorContext, client: unknown): SdkActor {
  const { id } = ctx;
  const actorId = {
    getId: () => id,
    getURLSafeId: () => encodeURIComponent(id),
    toString: () => id,
  };
  const body = new sdkClass(client as never, actorId as never) as SdkActor;
  body.daprStateProvider = stateProvider(ctx);
  body.actorClient = { actor: actorApi(ctx) };
  return body;
}

/** What the SDK's state manager reads and saves by. */
function stateProvider(ctx: ActorContext): object {
  const entries = new Map<string, StateEntry<unknown>>();
  const entryOf = (name: string): StateEntry<unknown> => {
    const entry = entries.get(name) ?? ctx.state<unknown>(name, { initial: () => undefined });
    entries.set(name, entry);
    return entry;
  };
  return {
    async containsState(_type: string, _id: object, name: string): Promise<boolean> {
      return (await entryOf(name).get()) !== undefined;
    },
    /** A copy: what is changed in place and not set is not saved, as in the SDK. */
    async tryLoadState(_type: string, _id: object, name: string): Promise<[boolean, unknown]> {
      const value = await entryOf(name).get();
      return value === undefined ? [false, undefined] : [true, structuredClone(value)];
    },
    async saveState(_type: string, _id: object, changes: readonly StateChange[]): Promise<void> {
      for (const change of changes) {
        const entry = entryOf(change.getStateName());
        if (change.getChangeKind() === REMOVE) entry.delete();
        else entry.set(structuredClone(change.getValue() ?? null));
      }
    },
  };
}

/** Text that is JSON reaches a handler as its value, as the SDK has it. */
function dataOf(data: unknown): unknown {
  if (typeof data !== 'string') return data;
  try {
    return JSON.parse(data);
  } catch {
    return data;
  }
}

function scheduleOf({ dueTime, period, ttl, data }: Times): {
  due: Duration;
  period?: Duration;
  ttl?: Duration;
  data?: unknown;
} {
  return {
    due: dueTime === undefined ? 0 : dueTime.toString(),
    ...(period === undefined ? {} : { period: period.toString() }),
    ...(ttl === undefined ? {} : { ttl: ttl.toString() }),
    ...(data === undefined ? {} : { data: dataOf(data) }),
  };
}

/** The part of the SDK's actor client that a base class asks of. */
function actorApi(ctx: ActorContext): object {
  return {
    async registerActorReminder(_type: string, _id: object, name: string, times: Times) {
      await ctx.reminders.set(name, scheduleOf(times));
    },
    async unregisterActorReminder(_type: string, _id: object, name: string) {
      await ctx.reminders.delete(name);
    },
    async registerActorTimer(_type: string, _id: object, name: string, times: Times) {
      ctx.timers.set(name, { ...scheduleOf(times), method: times.callback ?? '' });
    },
    async unregisterActorTimer(_type: string, _id: object, name: string) {
      ctx.timers.delete(name);
    },
  };
}

/** Enough of a `DaprClient` for the base class to be made; whoever uses more of it is told what to do. */
function withoutClient(type: string): object {
  const options = { daprHost: '127.0.0.1', daprPort: '3500', communicationProtocol: HTTP };
  return new Proxy(
    { options },
    {
      get(target, property) {
        if (property === 'options') return target.options;
        if (typeof property === 'symbol' || property === 'then') return undefined;
        throw new TroupeError(
          'UNSUPPORTED',
          `${type} uses "${property}" of its DaprClient; give one: daprActor(${type}, { client })`,
        );
      },
    },
  );
}
