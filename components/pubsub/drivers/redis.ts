/**
 * `pubsub.redis`: topics as Redis streams with consumer groups, in the form
 * that daprd uses, so that both publish to and read from the same streams.
 * Redis 6.2 or later. A publish is done when Redis has answered; how much that
 * is worth is the server's `appendfsync`.
 *
 * Of all processes of a consumer group one gets an event; inside it, every
 * subscription of the topic does. An event whose handler rejected stays pending
 * and comes again, to a process of the group, once it has been idle for
 * `processingTimeout` and is looked for every `redeliverInterval`.
 */
import { ComponentError } from '../../../runtime/core/errors.ts';
import type { ComponentOptions, Driver } from '../../component.ts';
import { Connection } from '../../redis/connection.ts';
import type { PubSub } from '../contract.ts';
import { fieldsOf } from './redis/entry.ts';
import { fields, readSettings } from './redis/settings.ts';
import { Stream } from './redis/stream.ts';

async function openBroker(options: ComponentOptions, signal: AbortSignal): Promise<PubSub> {
  const settings = readSettings(options);
  const connection = await Connection.open(options, settings, { scripts: [], signal });
  const streams = new Map<string, Promise<Stream>>();
  const closed = new AbortController();
  let closing: Promise<void> | undefined;
  const openReader = (): Promise<Connection> =>
    Connection.open(options, settings, { scripts: [], signal: closed.signal });
  const parts = { options, settings, connection, openReader };

  function requireOpen(topic?: string): void {
    if (closing) throw new ComponentError(options, 'is closed; create it again to use it');
    if (topic === undefined || (typeof topic === 'string' && topic !== '')) return;
    const code = 'INVALID_ARGUMENT';
    throw new ComponentError(options, 'a topic must be a non-empty text', { code });
  }

  function trim(): string[] {
    if (settings.maxLength !== undefined) return ['MAXLEN', '~', String(settings.maxLength)];
    if (settings.ttlMs === undefined) return [];
    return ['MINID', '~', String(Math.max(0, Math.floor(options.now() - settings.ttlMs)))];
  }

  function streamOf(topic: string): Promise<Stream> {
    let stream = streams.get(topic);
    if (!stream) {
      stream = Stream.open(parts, topic);
      streams.set(topic, stream);
      stream.catch(() => streams.delete(topic));
    }
    return stream;
  }

  async function closeAll(): Promise<void> {
    closed.abort();
    // One that could not be opened has nothing to close, and its subscriber was told.
    await Promise.allSettled(
      Array.from(streams.values(), async (stream) => (await stream).close()),
    );
    await connection.close();
  }

  function close(): Promise<void> {
    closing ??= closeAll();
    return closing;
  }

  return {
    features: [],
    usage: () => connection.usage(),
    async publish(message, { signal: abort } = {}) {
      requireOpen(message.topic);
      if (abort?.aborted)
        throw new ComponentError(options, 'the publish was cancelled before it began', {
          code: 'CANCELLED',
          cause: abort.reason,
        });
      // A publish whose answer is lost may be repeated: subscribers get it at least once anyway.
      await connection.send(['XADD', message.topic, ...trim(), '*', ...fieldsOf(message)], false);
    },
    async subscribe({ topic }, handler) {
      requireOpen(topic);
      const stream = await streamOf(topic);
      requireOpen();
      return stream.add(handler, () => streams.delete(topic));
    },
    async ping() {
      requireOpen();
      await connection.send(['PING'], false);
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

export const driver: Driver<PubSub> = {
  fields,
  create: (options, { signal }) => openBroker(options, signal),
};
