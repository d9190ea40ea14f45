/**
 * `pubsub.kafka`: topics of an Apache Kafka cluster, with records as daprd
 * writes and reads them, so that both publish to and read from the same topics.
 * A publish is done when the cluster has stored it; repetitions of a send are
 * recognised there.
 *
 * Of all processes of a consumer group one gets an event; inside it, every
 * subscription of the topic does. The group's position moves on only behind
 * events whose handlers resolved. An event whose handler rejected is given to
 * it again, and the events after it wait.
 */
import { ComponentError } from '../../../runtime/core/errors.ts';
import type { ComponentOptions, Driver, MetadataField } from '../../component.ts';
import { Connection } from '../../kafka/connection.ts';
import { commonFields } from '../../kafka/fields.ts';
import { fromRecord, refuseSchema, requireTopic, toRecord } from '../../kafka/record.ts';
import { readKafka } from '../../kafka/settings.ts';
import type { BrokerMessage, PubSub } from '../contract.ts';
import { FanOut } from '../fan-out.ts';

const fields: readonly MetadataField[] = [
  ...commonFields,
  {
    name: 'transactional',
    description:
      '`true`: what a handler publishes through the component is stored together with the position behind its event, or not at all. For handlers in this process, one at a time for each partition. Not known to Dapr. Default `false`.',
  },
];
interface Topic {
  readonly subscriptions: FanOut;
  together: number;
}

async function openBroker(options: ComponentOptions, signal: AbortSignal): Promise<PubSub> {
  const { settings, metadata } = readKafka(options, { fields, retries: true });
  const transactional = metadata.boolean('transactional') ?? false;
  if (transactional && settings.concurrency > 1)
    throw metadata.refuse('concurrency', 'must be 1 with "transactional"');
  if (transactional && settings.acks !== -1)
    throw metadata.refuse('producerRequiredAcks', 'must be "all" with "transactional"');
  const topics = new Map<string, Topic>();
  const connection = await Connection.open(options, settings, {
    signal,
    transactional,
    together: (topic) => topics.get(topic)?.together ?? 1,
    deliver(place, record, abort) {
      const { topic, partition } = place;
      const { data, contentType, metadata: given } = fromRecord(settings, place, record);
      const message = {
        topic,
        data,
        metadata: given,
        ...(contentType === undefined ? {} : { contentType }),
      };
      const found = topics.get(topic);
      if (!found) throw new Error('every subscription has been closed');
      return found.subscriptions.deliver(`${topic}/${partition}/${record.offset}`, message, abort);
    },
  });

  async function send(message: BrokerMessage, abort: AbortSignal | undefined): Promise<void> {
    connection.requireOpen();
    requireTopic(options, message.topic);
    if (abort?.aborted)
      throw new ComponentError(options, 'the publish was cancelled before it began', {
        code: 'CANCELLED',
        cause: abort.reason,
      });
    await connection.send(message.topic, toRecord(options, settings, message), abort);
  }

  const close = (): Promise<void> => connection.close();
  return {
    features: ['BULK_PUBSUB'],
    usage: () => connection.usage(),
    publish: (message, { signal: abort } = {}) => send(message, abort),
    async bulkPublish(messages, { signal: abort } = {}) {
      connection.requireOpen();
      const outcomes = await Promise.allSettled(messages.map((message) => send(message, abort)));
      return outcomes.flatMap((outcome, index) =>
        outcome.status === 'rejected' ? [{ index, error: outcome.reason as unknown }] : [],
      );
    },
    async subscribe({ topic, metadata: asked = {}, together = 1 }, handler) {
      connection.requireOpen();
      requireTopic(options, topic);
      refuseSchema(options, asked);
      if (transactional && together > 1)
        throw new ComponentError(options, 'events cannot be taken in bulk with "transactional"', {
          code: 'UNSUPPORTED',
        });
      const isFirst = !topics.has(topic);
      const found = topics.get(topic) ?? { subscriptions: new FanOut(), together: 1 };
      topics.set(topic, found);
      found.together = Math.max(found.together, together);
      const subscription = found.subscriptions.add(handler, async () => {
        if (found.subscriptions.size > 0) return;
        topics.delete(topic);
        await connection.group.remove(topic);
      });
      try {
        await connection.group.add(topic);
        connection.requireOpen();
      } catch (error) {
        if (isFirst) topics.delete(topic);
        await subscription.close();
        throw error;
      }
      return subscription;
    },
    async ping({ signal: abort } = {}) {
      connection.requireOpen();
      await connection.ping(abort);
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

export const driver: Driver<PubSub> = {
  fields,
  create: (options, { signal }) => openBroker(options, signal),
};
