/**
 * SubscribeActorEventsAlpha1: an app without a port hosts actors over a stream
 * that it opened. Its calls, timers, reminders and deactivations go down the
 * stream with an id each, and the answers come back in any order.
 */
import { TroupeError, type ActorAddress } from '../../../core/errors.ts';
import { bytesValue } from '../any.ts';
import { leavingOf } from '../leaving.ts';
import { duplex, type DuplexCall, type MethodRow } from '../registry.ts';
import { CODES, GrpcError } from '../status.ts';
import { millisecondsOf, type PlainDuration } from '../struct.ts';

type Texts = Readonly<Record<string, string>>;

export interface StreamActorType {
  readonly type: string;
  readonly idleMs: number;
  /** 0: not reentrant. */
  readonly reentrancyDepth: number;
  /** How long turns may go on when their actor has to go to another host. Absent: 2 s. */
  readonly drainMs?: number;
}

interface StreamCallTo extends ActorAddress {
  readonly wire:
    | { readonly headers: Readonly<Record<string, string | readonly string[] | undefined>> }
    | undefined;
  readonly headers: Texts | undefined;
  readonly reentrancyId: string | undefined;
}

interface StreamFiring extends StreamCallTo {
  readonly name: string;
  readonly data: unknown;
  readonly dueTime: string;
  readonly period: string;
}

/** How the host reaches the actors of the stream. Errors: METHOD_NOT_FOUND, COMPONENT, UNAVAILABLE. */
export interface StreamActorDelivery {
  invoke(
    call: StreamCallTo & { readonly method: string; readonly body: Uint8Array },
  ): Promise<{ readonly body: Uint8Array; readonly headers: Texts }>;
  remind(firing: StreamFiring): Promise<{ readonly cancel: boolean }>;
  fireTimer(
    firing: StreamFiring & { readonly callback: string },
  ): Promise<{ readonly cancel: boolean }>;
  deactivate(actor: ActorAddress): Promise<void>;
}

/** The host's side. Resolves to what takes the types back; of two streams with a type the newest has it. */
export type HostActors = (
  types: readonly StreamActorType[],
  delivery: StreamActorDelivery,
) => Promise<() => Promise<void>>;

interface Kept {
  readonly actorIdleTimeout?: PlainDuration | null;
  readonly drainOngoingCallTimeout?: PlainDuration | null;
  readonly drainRebalancedActors?: boolean | null;
  readonly reentrancy?: {
    readonly enabled: boolean;
    readonly maxStackDepth?: number | null;
  } | null;
}

interface Initial extends Kept {
  readonly entities: readonly string[];
  readonly entitiesConfig: readonly (Kept & { readonly entities: readonly string[] })[];
}

interface Answer {
  readonly id: string;
  readonly data?: Buffer;
  readonly metadata?: Texts;
  readonly error?: boolean;
  readonly cancel?: boolean;
  readonly code?: number;
  readonly message?: string;
}

interface EventsMessage {
  readonly initialRequest?: Initial | null;
  readonly requestType?: string;
  readonly [answer: string]: unknown;
}

type Stream = DuplexCall<EventsMessage, object>;

const IDLE_MS = 3_600_000;
const DEPTH = 32;
const ERROR_HEADER = 'x-daprerrorresponseheader';
const encoder = new TextEncoder();

function keptOf({
  actorIdleTimeout: idle,
  drainOngoingCallTimeout: drain,
  drainRebalancedActors: drains,
  reentrancy,
}: Kept): Omit<StreamActorType, 'type'> {
  const ms = idle ? millisecondsOf(idle) : 0;
  const drainMs = drains === false ? 0 : drain ? millisecondsOf(drain) : undefined;
  return {
    ...(drainMs === undefined ? {} : { drainMs }),
    idleMs: ms > 0 ? ms : IDLE_MS,
    reentrancyDepth: reentrancy?.enabled ? (reentrancy.maxStackDepth ?? DEPTH) : 0,
  };
}

function typesOf(initial: Initial): StreamActorType[] {
  return [...new Set(initial.entities)].map((type) => {
    const own = initial.entitiesConfig.find(({ entities }) => entities.includes(type));
    return { type, ...keptOf(own ?? initial) };
  });
}

function metadataOf({ wire, headers, reentrancyId }: StreamCallTo): Texts {
  const metadata: Record<string, string> = { ...headers };
  for (const [name, value] of Object.entries(wire?.headers ?? {})) {
    if (value === undefined || name.startsWith(':')) continue;
    metadata[name] = typeof value === 'string' ? value : value.join(',');
  }
  metadata['content-type'] ??= 'application/json';
  if (reentrancyId !== undefined) metadata['Dapr-Reentrancy-Id'] = reentrancyId;
  return metadata;
}

/** The stream as a delivery: requests out, answers matched by id. */
class Events {
  readonly #call: Stream;
  readonly #waiting = new Map<string, PromiseWithResolvers<Answer>>();
  #next = 0;
  #gone = false;

  constructor(call: Stream) {
    this.#call = call;
  }

  readonly delivery: StreamActorDelivery = {
    invoke: async (call) => {
      const answer = await this.#ask('invokeRequest', call, {
        method: call.method,
        data: call.body,
        metadata: metadataOf(call),
      });
      const headers = { ...answer.metadata };
      return {
        body: new Uint8Array(answer.data ?? []),
        headers: answer.error ? { ...headers, [ERROR_HEADER]: 'true' } : headers,
      };
    },
    remind: async (firing) => this.#fire('reminderRequest', firing, {}),
    fireTimer: async (firing) => this.#fire('timerRequest', firing, { callback: firing.callback }),
    deactivate: async (actor) => {
      // A stream that is gone took its actors along.
      if (!this.#gone) await this.#ask('deactivateRequest', actor, {});
    },
  };

  async #fire(kind: string, firing: StreamFiring, more: object): Promise<{ cancel: boolean }> {
    const { name, data, dueTime, period } = firing;
    const { cancel } = await this.#ask(kind, firing, {
      ...more,
      name,
      dueTime,
      period,
      ...(data === undefined ? {} : { data: bytesValue(encoder.encode(JSON.stringify(data))) }),
    });
    return { cancel: cancel ?? false };
  }

  async #ask(kind: string, { type, id: actorId }: ActorAddress, content: object): Promise<Answer> {
    const answer = Promise.withResolvers<Answer>();
    if (this.#gone) throw this.#lost(type);
    const id = String(++this.#next);
    this.#waiting.set(id, answer);
    this.#call
      .send({ [kind]: { ...content, id, actorType: type, actorId } })
      .catch(() => answer.reject(this.#lost(type)));
    const got = await answer.promise;
    if (got.code === undefined) return got;
    const actor = { type, id: actorId };
    if (got.code === CODES.NOT_FOUND) {
      throw new TroupeError('METHOD_NOT_FOUND', `actor method not found: ${got.message}`, {
        actor,
      });
    }
    const text = `error from actor service: (${got.code}) ${got.message}`;
    throw new TroupeError('COMPONENT', text, { actor });
  }

  /** Takes an answer; one that nobody waits for is none of our business any more. */
  settle(message: EventsMessage): void {
    const answer = message[message.requestType ?? ''] as Answer | undefined;
    if (!answer) throw new GrpcError('INVALID_ARGUMENT', 'the message holds no answer');
    const waiting = this.#waiting.get(answer.id);
    this.#waiting.delete(answer.id);
    if (message.requestType === 'requestFailed') waiting?.resolve(answer);
    else waiting?.resolve({ ...pick(answer), id: answer.id });
  }

  end(): void {
    this.#gone = true;
    for (const one of this.#waiting.values()) one.reject(this.#lost('the app'));
    this.#waiting.clear();
  }

  #lost(type: string): TroupeError {
    return new TroupeError(
      'UNAVAILABLE',
      `the actor event stream that hosts "${type}" was closed`,
      { retryable: false },
    );
  }
}

/** An answer without the fields of a failure, which its prototype may have. */
function pick({ id, data, metadata, error, cancel }: Answer): Answer {
  return {
    id,
    ...(data === undefined ? {} : { data }),
    ...(metadata === undefined ? {} : { metadata }),
    ...(error === undefined ? {} : { error }),
    ...(cancel === undefined ? {} : { cancel }),
  };
}

async function serve(host: HostActors | undefined, call: Stream): Promise<void> {
  if (!host) {
    throw new GrpcError(
      'FAILED_PRECONDITION',
      'actor callback streaming requires a gRPC app channel',
    );
  }
  const requests = call.requests();
  const { value } = await requests.next();
  const initial = (value as EventsMessage | undefined)?.initialRequest;
  if (!initial) {
    throw new GrpcError(
      'INVALID_ARGUMENT',
      'first message must be SubscribeActorEventsRequestInitialAlpha1',
    );
  }
  const events = new Events(call);
  const release = await host(typesOf(initial), events.delivery);
  const read = async (): Promise<void> => {
    for await (const message of requests) events.settle(message);
  };
  try {
    await call.send({ initialResponse: {} });
    await Promise.race([read(), leavingOf(call)]);
  } finally {
    events.end();
    await release();
  }
}

export function actorEventMethods(host: HostActors | undefined): MethodRow[] {
  return [duplex<EventsMessage, object>('SubscribeActorEventsAlpha1', (call) => serve(host, call))];
}
