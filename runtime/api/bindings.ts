/**
 * The bindings building block: operations of output bindings, and the events
 * of input bindings on their way to the app. The app is asked once whether it
 * takes the events of a binding, unless the binding says so itself.
 */
import type { Binding, BindingEvent, BindingRequest } from '../../components/bindings/contract.ts';
import { bytesOfAnswer, drain } from '../core/bytes.ts';
import { TroupeError } from '../core/errors.ts';
import type { EngineLogger } from '../core/ports.ts';
import type { Resiliency } from '../core/resiliency.ts';
import type { Telemetry } from '../core/telemetry.ts';
import { traced, type Tracer } from '../core/tracing.ts';
import { statusIn } from '../core/resiliency-retry.ts';
import { ApiError, reasonOf } from './api-error.ts';
import { bindingAppOf } from './app-deliveries.ts';
import { countAndTime, INPUT_BINDING, timed } from './block-telemetry.ts';
import type { AppChannel } from './invoke.ts';

export interface BindingEntry {
  readonly binding: Binding;
  /** `input`, `output` or both, divided by commas; undefined: not said. */
  readonly direction: string | undefined;
  /** Path of the app that events are posted to, without a leading slash. */
  readonly route: string;
}

export interface BindingsOptions {
  readonly bindings: ReadonlyMap<string, BindingEntry>;
  /** Absent: an event is given to the app once, and then it is the binding's. */
  readonly resiliency?: Resiliency | undefined;
  readonly app?: AppChannel | undefined;
  /** Absent: nothing is measured. */
  readonly telemetry?: Telemetry | undefined;
  readonly tracer?: Tracer | undefined;
  readonly namespace?: string | undefined;
  readonly logger: EngineLogger;
}

export interface BindingResult {
  readonly data?: Uint8Array;
  readonly metadata: Readonly<Record<string, string>>;
  /** The operation failed after all; `metadata` is part of the answer nevertheless. */
  readonly error?: ApiError;
}

/** What the app answered to an event. `to` names output bindings that get `data` by their operation `create`. */
export interface BindingReply {
  readonly data?: Uint8Array | undefined;
  readonly to?: readonly string[];
  readonly concurrency?: 'sequential' | 'parallel';
}

export interface InputBinding {
  readonly name: string;
  readonly route: string;
}

/** The app as the receiver of binding events, over HTTP or gRPC. */
export interface BindingApp {
  /** Asked for a binding that names no direction. Rejects when the app cannot be asked. */
  takes(input: InputBinding, options: { signal: AbortSignal }): Promise<boolean>;
  /** Rejects when the app did not take the event. */
  deliver(
    input: InputBinding,
    event: BindingEvent,
    options: { signal: AbortSignal },
  ): Promise<BindingReply>;
}

export interface StartBindingsOptions {
  /** Default: the app, over what it speaks. */
  readonly app?: BindingApp | undefined;
  /** How long the app may take to say whether it takes a binding. Default 3 s. */
  readonly probeTimeoutMs?: number;
}

export interface BindingsApi {
  invoke(
    name: string,
    request: BindingRequest,
    context?: { signal?: AbortSignal },
  ): Promise<BindingResult>;
  /** Delivers events from now on; resolves to the function that ends it. */
  start(options?: StartBindingsOptions): Promise<() => Promise<void>>;
}

const PROBE_TIMEOUT_MS = 3000;
/** What daprd gives the replies of events that were under way when it stops. */
const REPLY_MS = 400;

const isOf = ({ direction, binding }: BindingEntry, way: 'input' | 'output'): boolean => {
  if (!binding.features.includes(way === 'input' ? 'INPUT_BINDING' : 'OUTPUT_BINDING'))
    return false;
  return direction === undefined || direction.split(',').some((part) => part.trim() === way);
};

/** Characters that a header can carry; metadata with others is left out, as it cannot be sent. */
const HEADER_NAME = /^[\w!#$%&'*+.^`|~-]+$/;
const HEADER_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

/** Events go to the app as `POST /<route>`; `OPTIONS` asks whether it takes them. */
function bindingAppOver(app: AppChannel): BindingApp {
  const pathOf = ({ route }: InputBinding): string => `/${encodeURI(route)}`;
  return {
    async takes(input, { signal }) {
      const request = { method: 'OPTIONS', path: pathOf(input), query: '', headers: {}, signal };
      const answer = await app.invoke(request);
      await drain(answer);
      const { status } = answer;
      return (status >= 200 && status < 300) || status === 405;
    },
    async deliver(input, { data, metadata }, { signal }) {
      const headers = Object.fromEntries(
        Object.entries(metadata).filter(
          ([name, value]) => HEADER_NAME.test(name) && HEADER_VALUE.test(value),
        ),
      );
      const answer = await app.invoke({
        method: 'POST',
        path: pathOf(input),
        query: '',
        headers: { ...headers, 'content-type': 'application/json' },
        body: data,
        signal,
      });
      const bytes = await bytesOfAnswer(answer);
      if (answer.status !== 200) {
        throw new TroupeError(
          'UNAVAILABLE',
          `error sending binding event to application, status ${answer.status}`,
          { details: { status: answer.status } },
        );
      }
      return { data: bytes };
    },
  };
}

export function createBindingsApi({
  bindings,
  app,
  logger,
  resiliency,
  telemetry,
  tracer,
  namespace = '',
}: BindingsOptions): BindingsApi {
  async function run(
    name: string,
    request: BindingRequest,
    context: { signal?: AbortSignal } = {},
  ): Promise<Omit<BindingResult, 'error'> & { failure?: string }> {
    const { operation } = request;
    if (operation === '') throw new Error('operation field is missing from request');
    const entry = bindings.get(name);
    if (!entry || !isOf(entry, 'output')) throw new Error(`couldn't find output binding ${name}`);
    const { operations } = entry.binding;
    if (!operations.includes(operation)) {
      throw new Error(
        `binding ${name} does not support operation ${operation}. supported operations:${operations.join(' ')}`,
      );
    }
    const { metadata = {}, ...answer } = await entry.binding.invoke(request, context);
    return { ...answer, metadata };
  }

  const failed = (name: string, why: string, cause?: unknown): ApiError =>
    new ApiError('BINDING_INVOKE', `error invoking output binding ${name}: ${why}`, { cause });

  const api: BindingsApi = {
    async invoke(name, request, context) {
      let answer: Awaited<ReturnType<typeof run>>;
      try {
        answer = await run(name, request, context);
      } catch (cause) {
        throw failed(name, reasonOf(cause), cause);
      }
      const { failure, ...rest } = answer;
      return failure === undefined ? rest : { ...rest, error: failed(name, failure) };
    },

    async start({
      app: receiver = app && (app.events ? bindingAppOf(app.events) : bindingAppOver(app)),
      probeTimeoutMs = PROBE_TIMEOUT_MS,
    } = {}) {
      const leaving = new AbortController();
      const { signal } = leaving;
      const running = new Set<Promise<unknown>>();
      let isClosed = false;
      const stops: (() => Promise<void>)[] = [];
      if (receiver) {
        for (const [name, entry] of bindings) {
          if (!isOf(entry, 'input')) continue;
          const input = { name, route: entry.route };
          if (!(await isTaken(receiver, input, entry, probeTimeoutMs))) continue;
          const take = async (event: BindingEvent): Promise<Uint8Array | undefined> => {
            const send = (given: AbortSignal): Promise<BindingReply> =>
              tracer
                ? traced(tracer, `bindings/${name}`, { kind: 'client' }, (traceparent) => {
                    const metadata = { ...event.metadata, traceparent };
                    return receiver.deliver(input, { ...event, metadata }, { signal: given });
                  })
                : receiver.deliver(input, event, { signal: given });
            const policy = resiliency?.inbound(name, 'Binding');
            const deliver = (): Promise<BindingReply> =>
              policy?.run((attempt) => send(attempt.signal ?? signal), {
                signal,
                codeOf: statusIn,
              }) ?? send(signal);
            const reply = await (telemetry
              ? timed(deliver, (success, elapsedMs) => {
                  const labels = { component: name, namespace, success: String(success) };
                  countAndTime(telemetry, INPUT_BINDING, labels, elapsedMs);
                })
              : deliver());
            await fanOut(reply, signal);
            return reply.data;
          };
          stops.push(
            await entry.binding.read(async (event) => {
              if (isClosed) throw new TroupeError('CANCELLED', 'input binding is closed');
              const handled = Promise.withResolvers<void>();
              running.add(handled.promise);
              try {
                return await take(event);
              } finally {
                running.delete(handled.promise);
                handled.resolve();
              }
            }),
          );
        }
      }
      return async () => {
        isClosed = true;
        if (running.size > 0) {
          await Promise.all(running);
          // The replies are still on their way to the bindings.
          await new Promise((resolve) => setTimeout(resolve, REPLY_MS));
        }
        leaving.abort();
        await Promise.all(stops.splice(0).map((stop) => stop()));
      };
    },
  };

  async function isTaken(
    receiver: BindingApp,
    input: InputBinding,
    { direction }: BindingEntry,
    timeoutMs: number,
  ): Promise<boolean> {
    if (direction !== undefined) return true;
    const { name } = input;
    try {
      // The app is outside, so its time is real time also under a virtual clock.
      if (await receiver.takes(input, { signal: AbortSignal.timeout(timeoutMs) })) return true;
      logger.info({ binding: name }, `app has not subscribed to binding ${name}.`);
    } catch (err) {
      logger.warn({ binding: name, err }, `app could not be asked for binding ${name}`);
    }
    return false;
  }

  async function fanOut(
    { data, to = [], concurrency }: BindingReply,
    signal: AbortSignal,
  ): Promise<void> {
    const request = { operation: 'create', data: data ?? new Uint8Array(), metadata: {} };
    const send = async (name: string): Promise<void> => {
      const { error } = await api.invoke(name, request, { signal });
      if (error) throw error;
    };
    if (concurrency !== 'parallel') {
      for (const name of to) await send(name);
      return;
    }
    for (const name of to) {
      send(name).catch((err: unknown) =>
        logger.error({ binding: name, err }, 'reply was not sent'),
      );
    }
  }

  return api;
}
