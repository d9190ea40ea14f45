/** Events on their way to an app behind gRPC: Dapr's AppCallback services. */
import type { AppBindingReply, AppEvents } from '../../api/app-port.ts';
import type { AppSubscription } from '../../api/subscriptions-list.ts';
import type { DeliveryResult } from '../../api/subscriptions.ts';
import { NO_TRACE } from '../../api/trace-context.ts';
import { TroupeError } from '../../core/errors.ts';
import { anyOfJob } from './methods/jobs.ts';
import type { OutgoingOptions } from './client-call.ts';
import type { UnaryReply } from './client.ts';
import { sendable } from './metadata.ts';
import type { Protos } from './proto.ts';
import { CODES, GrpcError } from './status.ts';
import { bulkEvent, bulkResult, statusOf, topicEvent } from './topic-event.ts';
import { traceBytes } from './trace.ts';

const RUNTIME = 'dapr.proto.runtime.v1';

/** A unary call to the app, under its limits. Errors: GrpcError, UNAVAILABLE. */
export type CallApp = (
  path: string,
  message: Uint8Array,
  options: OutgoingOptions,
) => Promise<UnaryReply>;

export interface AppCaller {
  call<O>(service: string, method: string, request: object, options?: OutgoingOptions): Promise<O>;
}

export function createAppCaller(protos: Protos, call: CallApp): AppCaller {
  return {
    async call<O>(service: string, method: string, request: object, options: OutgoingOptions = {}) {
      const name = `${RUNTIME}.${service}`;
      const codec = protos.method<object, O>(name, method);
      const { message } = await call(`/${name}/${method}`, codec.request.encode(request), options);
      return codec.response.decode(message);
    },
  };
}

interface SubscriptionMessage {
  readonly pubsubName: string;
  readonly topic: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly routes?: {
    readonly rules: readonly { readonly match: string; readonly path: string }[];
    readonly default: string;
  } | null;
  readonly deadLetterTopic: string;
  readonly bulkSubscribe?: {
    readonly enabled: boolean;
    readonly maxMessagesCount: number;
    readonly maxAwaitDurationMs: number;
  } | null;
}

interface BindingMessage {
  readonly storeName: string;
  readonly states: readonly { readonly key: string; readonly value: Buffer }[];
  readonly to: readonly string[];
  readonly data: Buffer;
  readonly concurrency: number;
}

function subscription(message: SubscriptionMessage): AppSubscription {
  const { pubsubName, topic, metadata, routes, deadLetterTopic, bulkSubscribe } = message;
  const rules = [
    ...(routes?.rules ?? []).map(({ match, path }) => (match ? { match, path } : { path })),
    ...(routes?.default || !routes?.rules.length ? [{ path: routes?.default ?? '' }] : []),
  ];
  return {
    pubsub: pubsubName,
    topic,
    metadata,
    rules,
    ...(deadLetterTopic ? { deadLetterTopic } : {}),
    ...(bulkSubscribe?.enabled
      ? {
          bulk: {
            maxMessagesCount: bulkSubscribe.maxMessagesCount || undefined,
            maxAwaitDurationMs: bulkSubscribe.maxAwaitDurationMs || undefined,
          },
        }
      : {}),
  };
}

const isUnimplemented = (error: unknown): error is GrpcError =>
  error instanceof GrpcError && error.status.code === CODES.UNIMPLEMENTED;

/** What the app answered with is its own; what kept it from answering may pass. */
function appError(error: unknown, what: string): unknown {
  if (!(error instanceof GrpcError)) return error;
  const { code, message } = error.status;
  const kind = code === CODES.UNAVAILABLE ? 'UNAVAILABLE' : 'COMPONENT';
  return new TroupeError(kind, `the app failed ${what}: ${message} (gRPC code ${code})`, {
    cause: error,
  });
}

/** A failed delivery: an app without the method will never take it, any other may later. */
function failed(error: unknown): DeliveryResult {
  if (error instanceof GrpcError) {
    const { code, message } = error.status;
    return { status: isUnimplemented(error) ? 'DROP' : 'RETRY', code, why: message };
  }
  return { status: 'RETRY', why: error instanceof Error ? error.message : String(error) };
}

/** Tries the methods of a service in turn, while the app has none of them. */
async function orElse<T>(...attempts: readonly (() => Promise<T>)[]): Promise<T> {
  const [first, ...rest] = attempts;
  try {
    return await first!();
  } catch (error) {
    if (rest.length === 0 || !isUnimplemented(error)) throw error;
    return orElse(...rest);
  }
}

export function createGrpcEvents(app: AppCaller): AppEvents {
  /** Names that the app lists; none when it has no such method. */
  async function listed<O>(method: string, signal: AbortSignal | undefined, none: O): Promise<O> {
    try {
      return await app.call<O>('AppCallback', method, {}, { signal });
    } catch (error) {
      if (isUnimplemented(error)) return none;
      throw appError(error, method);
    }
  }

  return {
    async subscriptions({ signal } = {}) {
      const none: { subscriptions: SubscriptionMessage[] } = { subscriptions: [] };
      const { subscriptions } = await listed('ListTopicSubscriptions', signal, none);
      return subscriptions.map(subscription);
    },

    async deliver(delivery) {
      const { event, message, signal, traceparent = event.traceparent } = delivery;
      const trace = traceparent ? traceBytes(traceparent) : undefined;
      const metadata = {
        ...sendable(message.metadata ?? {}),
        ...(trace ? { 'grpc-trace-bin': trace.toString('base64') } : {}),
        traceparent: traceparent || NO_TRACE,
      };
      try {
        const { status } = await app.call<{ status: number }>(
          'AppCallback',
          'OnTopicEvent',
          topicEvent(delivery),
          { signal, metadata },
        );
        return { status: statusOf(status) };
      } catch (error) {
        return failed(error);
      }
    },

    async deliverBulk(delivery) {
      const { signal } = delivery;
      const request = bulkEvent(delivery);
      const options = { signal, metadata: sendable(delivery.metadata) };
      type Answer = { statuses: { entryId: string; status: number }[] };
      try {
        const { statuses } = await orElse(
          () => app.call<Answer>('AppCallback', 'OnBulkTopicEvent', request, options),
          () => app.call<Answer>('AppCallbackAlpha', 'OnBulkTopicEventAlpha1', request, options),
        );
        return bulkResult(statuses);
      } catch (error) {
        const { status, code, why } = failed(error);
        const all = delivery.entries.map(({ entryId }) => [entryId, status] as const);
        return { statuses: new Map(all), code, why };
      }
    },

    async inputBindings({ signal } = {}) {
      const none: { bindings: string[] } = { bindings: [] };
      return (await listed('ListInputBindings', signal, none)).bindings;
    },

    async binding({ name, data, metadata, signal }): Promise<AppBindingReply> {
      try {
        const reply = await app.call<BindingMessage>(
          'AppCallback',
          'OnBindingEvent',
          { name, data, metadata },
          { signal, metadata: sendable(metadata) },
        );
        const { storeName, states, to, concurrency } = reply;
        return {
          data: reply.data,
          to,
          storeName,
          states,
          concurrency: concurrency === 1 ? 'parallel' : 'sequential',
        };
      } catch (error) {
        throw appError(error, `the event of binding "${name}"`);
      }
    },

    async job({ name, data, signal }) {
      const any = data && anyOfJob(data);
      const request = {
        name,
        method: `job/${name}`,
        // As in Dapr, the type is that of the data.
        contentType: any?.type_url ?? '',
        httpExtension: { verb: 3 },
        ...(any ? { data: any } : {}),
      };
      try {
        await orElse(
          () => app.call('AppCallback', 'OnJobEvent', request, { signal }),
          () => app.call('AppCallbackAlpha', 'OnJobEventAlpha1', request, { signal }),
        );
        return 'done';
      } catch (error) {
        const isGone = error instanceof GrpcError && error.status.code === CODES.NOT_FOUND;
        if (isGone || isUnimplemented(error)) return 'dropped';
        throw appError(error, `job "${name}"`);
      }
    },
  };
}
