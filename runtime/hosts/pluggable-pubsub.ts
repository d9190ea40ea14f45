/**
 * A message broker in a component process. Each subscription is a stream that
 * carries one event at a time and its acknowledgement back; a stream that is
 * lost is opened again.
 */
import type { ComponentOptions, Driver } from '../../components/component.ts';
import type { MessageHandler, PubSub, SubscribeOptions } from '../../components/pubsub/contract.ts';
import { isTroupeError } from '../core/errors.ts';
import {
  pluggableDriver,
  type Pluggable,
  type PluggableConnection,
  type PluggableStream,
} from './pluggable-connection.ts';

const SERVICE = 'PubSub';
/** How long after a lost stream it is opened again. */
const REOPEN_MS = 1_000;

interface Pulled {
  readonly data: Buffer;
  readonly topicName: string;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly contentType: string;
  readonly id: string;
}

type Stream = PluggableStream<object, Pulled>;

export const pluggablePubSub = (pluggable: Pluggable): Driver<PubSub> =>
  pluggableDriver(pluggable, SERVICE, brokerOf);

function brokerOf(
  options: ComponentOptions,
  connection: PluggableConnection,
  features: readonly string[],
): PubSub {
  const open = new Set<{ close(): Promise<void> }>();
  let isPaused = false;
  const steer = (method: 'Pause' | 'Resume'): Promise<void> =>
    connection.call<object, object>(SERVICE, method, {}).then(
      () => {},
      (error: unknown) => {
        // Few have it; the others are closed at once.
        if (isTroupeError(error) && error.code === 'UNSUPPORTED') return;
        options.logger.warn({ name: options.name, err: error }, `component refused ${method}`);
      },
    );
  return {
    features,
    ping: (given) => connection.ping(SERVICE, given),
    async publish({ topic, data, metadata, contentType }, given) {
      const request = { pubsubName: options.name, topic, data, metadata, contentType };
      await connection.call(SERVICE, 'Publish', request, given);
    },
    async subscribe(wanted, handler) {
      if (isPaused) await steer('Resume');
      isPaused = false;
      const subscription = subscribe(options, connection, wanted, handler);
      open.add(subscription);
      await subscription.begun;
      const close = async (): Promise<void> => {
        const isLast = open.delete(subscription) && open.size === 0;
        isPaused ||= isLast;
        const closed = subscription.close();
        // A component that can pause does not hand out what nobody will take.
        if (isLast) await steer('Pause');
        await closed;
      };
      return { close, [Symbol.asyncDispose]: close };
    },
    close,
    [Symbol.asyncDispose]: close,
  };

  async function close(): Promise<void> {
    await Promise.all([...open].map((one) => one.close()));
    await connection.close();
  }
}

function subscribe(
  options: ComponentOptions,
  connection: PluggableConnection,
  { topic, metadata }: SubscribeOptions,
  handler: MessageHandler,
): { readonly begun: Promise<void>; close(): Promise<void> } {
  const { name, logger } = options;
  const leaving = new AbortController();
  let isClosing = false;
  let stream: Stream | undefined;
  let again: { cancel(): void } | undefined;
  let running: Promise<void> = Promise.resolve();

  async function handle(on: Stream, message: Pulled): Promise<void> {
    let ackError: { message: string } | undefined;
    try {
      await handler(
        {
          topic: message.topicName,
          data: Buffer.from(message.data),
          ...(message.contentType ? { contentType: message.contentType } : {}),
          ...(message.metadata ? { metadata: { ...message.metadata } } : {}),
        },
        { signal: leaving.signal },
      );
    } catch (error) {
      ackError = { message: error instanceof Error ? error.message : String(error) };
    }
    // What failed because this side leaves is neither acknowledged nor refused.
    if (leaving.signal.aborted || (isClosing && ackError)) return;
    await on.send({ ackMessageId: message.id, ...(ackError ? { ackError } : {}) });
  }

  async function pull(on: Stream): Promise<void> {
    for await (const message of on.messages()) {
      // Left to the component, which gives it to another subscriber.
      if (isClosing) continue;
      running = handle(on, message);
      await running;
    }
    const broken = await on.ended;
    if (isClosing) return;
    logger.error({ name, topic, err: broken }, 'pluggable subscription was lost');
    again = options.timer(REOPEN_MS, () => void begin().catch(() => {}));
  }

  async function begin(): Promise<void> {
    stream = connection.stream<object, Pulled>(SERVICE, 'PullMessages');
    const opened = stream;
    await opened.send({ topic: { name: topic, metadata } });
    void pull(opened).catch((error: unknown) => {
      logger.error({ name, topic, err: error }, 'pluggable subscription failed');
    });
  }

  return {
    begun: begin(),
    async close() {
      isClosing = true;
      again?.cancel();
      await running;
      leaving.abort(new Error('the subscription is closed'));
      await stream?.close(options.timer);
    },
  };
}
