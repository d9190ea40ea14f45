/** `pubsub.kafka` beside kafkajs: idempotent, all acknowledgements, positions written by hand. */
import kafkajs, { type Kafka } from 'kafkajs';
import { createTopic, startKafka } from '../../test/servers/kafka.ts';
import { eventsOf, measureDelivery } from './deliver.ts';
import { openPubSub } from './open.ts';
import { turns, VALUE, type Address, type Row } from './rows.ts';

const PARTITIONS = 4;
const event = new TextEncoder().encode(VALUE);

const metadataOf = ({ port, name }: Address) => ({
  brokers: `127.0.0.1:${port}`,
  authType: 'none',
  consumerGroup: name,
  initialOffset: 'oldest',
});

const bare = ({ port }: Address): Kafka =>
  new kafkajs.Kafka({
    brokers: [`127.0.0.1:${port}`],
    logLevel: kafkajs.logLevel.NOTHING,
  });

const topicOf = (address: Address): Promise<void> =>
  createTopic({ host: '127.0.0.1', port: address.port }, address.name, PARTITIONS);

const producerOf = (kafka: Kafka) =>
  kafka.producer({
    idempotent: true,
    maxInFlightRequests: 1,
    createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
  });

const publish: Row = {
  driver: 'pubsub.kafka',
  does: 'publish',
  bare: 'producer.send, idempotent, acks all',
  server: startKafka,
  async ours(address) {
    await topicOf(address);
    const broker = await openPubSub('pubsub.kafka', metadataOf(address));
    const topic = address.name;
    const operation = turns((caller) =>
      broker.publish({ topic, data: event, key: String(caller) }),
    );
    return { operation, close: () => broker.close() };
  },
  async theirs(address) {
    await topicOf(address);
    const producer = producerOf(bare(address));
    await producer.connect();
    const operation = turns((caller) =>
      producer.send({ topic: address.name, messages: [{ key: String(caller), value: VALUE }] }),
    );
    return { operation, close: () => producer.disconnect() };
  },
};

/** Records that are there before anybody reads. */
async function prepare(address: Address, total: number): Promise<void> {
  await topicOf(address);
  const producer = producerOf(bare(address));
  await producer.connect();
  for (let done = 0; done < total; done += 500) {
    const messages = Array.from({ length: Math.min(500, total - done) }, (_, i) => ({
      key: String((done + i) % 64),
      value: VALUE,
    }));
    await producer.send({ topic: address.name, messages });
  }
  await producer.disconnect();
}

const deliver: Row = {
  driver: 'pubsub.kafka',
  does: 'deliver',
  bare: 'eachBatch, an awaited handler an event, a commit a batch',
  server: startKafka,
  async ours(address, scale) {
    const total = eventsOf(scale);
    await prepare(address, total);
    const broker = await openPubSub('pubsub.kafka', metadataOf(address));
    return {
      measure: () =>
        measureDelivery(total, (taken) =>
          broker.subscribe({ topic: address.name }, async () => taken()),
        ),
      close: () => broker.close(),
    };
  },
  async theirs(address, scale) {
    const total = eventsOf(scale);
    await prepare(address, total);
    const consumer = bare(address).consumer({ groupId: address.name });
    await consumer.connect();
    await consumer.subscribe({ topic: address.name, fromBeginning: true });
    const run = (taken: () => void): Promise<void> => {
      const handler = async (): Promise<void> => taken();
      return consumer.run({
        autoCommit: false,
        partitionsConsumedConcurrently: PARTITIONS,
        async eachBatch({ batch, heartbeat }) {
          const { topic, partition, messages } = batch;
          for (const _ of messages) await handler();
          const offset = String(BigInt(batch.lastOffset()) + 1n);
          await consumer.commitOffsets([{ topic, partition, offset }]);
          await heartbeat();
        },
      });
    };
    return { measure: () => measureDelivery(total, run), close: () => consumer.disconnect() };
  },
};

export const rows: readonly Row[] = [publish, deliver];
