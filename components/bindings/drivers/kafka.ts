/**
 * `bindings.kafka`: records of an Apache Kafka cluster as events, and events as
 * records, in the form that daprd has: metadata and headers are the same, the
 * request's `partitionKey` or `__key` is the record's key. The group's position
 * moves on behind events that were taken; with `consumeRetryEnabled` an event
 * that was not is given again, without it is logged and passed over.
 */
import { ComponentError } from '../../../runtime/core/errors.ts';
import type { ComponentOptions, Driver, MetadataField } from '../../component.ts';
import { Connection } from '../../kafka/connection.ts';
import { commonFields } from '../../kafka/fields.ts';
import { fromRecord, requireTopic, toRecord } from '../../kafka/record.ts';
import { readKafka } from '../../kafka/settings.ts';
import type { Binding, BindingEvent, BindingReply } from '../contract.ts';
import { noOperation, notAnInput } from '../refusals.ts';

const fields: readonly MetadataField[] = [
  {
    name: 'topics',
    description: 'Topics whose records are events, divided by commas. Default: no events.',
  },
  {
    name: 'publishTopic',
    description: 'Topic that `create` writes to. Default: there are no operations.',
  },
  ...commonFields,
];

async function openBinding(options: ComponentOptions, signal: AbortSignal): Promise<Binding> {
  const { settings, metadata } = readKafka(options, { fields, retries: false });
  const publishTopic = metadata.text('publishTopic');
  const written = metadata.text('topics')?.split(',') ?? [];
  const topics = written.map((topic) => topic.trim()).filter((topic) => topic !== '');
  if (publishTopic === undefined && topics.length === 0)
    throw metadata.refuse('topics', 'is missing, and so is "publishTopic"; name at least one');
  for (const topic of [...topics, ...(publishTopic === undefined ? [] : [publishTopic])])
    requireTopic(options, topic);
  let reading: ((event: BindingEvent) => Promise<BindingReply>) | undefined;
  const connection = await Connection.open(options, settings, {
    signal,
    together: () => 1,
    transactional: false,
    async deliver(place, record) {
      if (!reading) throw new Error('nobody reads the binding any more');
      const { data, metadata: given } = fromRecord(settings, place, record);
      await reading({ data, metadata: given });
    },
  });
  const operations = publishTopic === undefined ? [] : ['create'];
  const close = (): Promise<void> => connection.close();
  return {
    features: [
      ...(topics.length > 0 ? ['INPUT_BINDING'] : []),
      ...(publishTopic === undefined ? [] : ['OUTPUT_BINDING']),
    ],
    operations,
    usage: () => connection.usage(),
    async invoke({ operation, data, metadata: given }, { signal: abort } = {}) {
      connection.requireOpen();
      if (publishTopic === undefined || operation !== 'create')
        throw noOperation(options, operation, operations);
      const record = toRecord(options, settings, { data, metadata: given });
      await connection.send(publishTopic, record, abort);
      return {};
    },
    async read(handler) {
      connection.requireOpen();
      if (topics.length === 0) throw notAnInput(options);
      if (reading) throw new ComponentError(options, 'is read already');
      reading = handler;
      try {
        await Promise.all(topics.map((topic) => connection.group.add(topic)));
      } catch (error) {
        reading = undefined;
        await Promise.all(topics.map((topic) => connection.group.remove(topic)));
        throw error;
      }
      return async () => {
        if (reading !== handler) return;
        await Promise.all(topics.map((topic) => connection.group.remove(topic)));
        if (reading === handler) reading = undefined;
      };
    },
    async ping({ signal: abort } = {}) {
      connection.requireOpen();
      await connection.ping(abort);
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

export const driver: Driver<Binding> = {
  fields,
  create: (options, { signal }) => openBinding(options, signal),
};
