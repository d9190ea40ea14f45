/**
 * From a message of a broker to the event that subscribers get: as it is for a
 * raw subscription, from its headers when its content is binary, else parsed.
 */
import type { BrokerMessage } from '../../components/pubsub/contract.ts';
import type { CloudEvent } from '../actor/actor.ts';
import { fromEventBytes, fromRaw, isBinaryType, type Received } from './cloudevents.ts';

/** Headers of a broker that stand for attributes of the event. */
const ATTRIBUTE = /^ce_(.+)$/i;
const TRACE = ['traceid', 'traceparent', 'tracestate'] as const;

export interface DecodeOptions {
  /** As the app knows it, without the prefix of a namespace. */
  readonly topic: string;
  readonly pubsub: string;
  readonly raw: boolean;
}

type Fields = Record<string, unknown>;

/** Throws when the message is no CloudEvent and should be one. */
export function decodeMessage(
  { data, contentType, metadata = {} }: BrokerMessage,
  { topic, pubsub, raw }: DecodeOptions,
): Received {
  if (raw) {
    const { event } = fromRaw(data, topic, pubsub);
    const traced = withTrace({ ...event }, metadata);
    const { data: _data, ...envelope } = traced;
    return {
      event: traced as unknown as CloudEvent,
      bytes: new TextEncoder().encode(JSON.stringify(envelope)),
    };
  }
  if (isBinaryType(contentType)) {
    const event: Fields = {};
    for (const [name, value] of Object.entries(metadata)) {
      const attribute = ATTRIBUTE.exec(name)?.[1]?.toLowerCase();
      if (attribute) event[attribute] = value;
    }
    const base64 = Buffer.from(data).toString('base64');
    const whole = { topic, pubsubname: pubsub, ...event, data: base64, data_base64: base64 };
    return {
      event: { ...whole, datacontenttype: contentType } as unknown as CloudEvent,
      bytes: data,
    };
  }
  const received = fromEventBytes(data, topic, pubsub);
  const event = withTrace({ ...received.event }, metadata) as unknown as CloudEvent;
  return { event, bytes: received.bytes };
}

/** Trace context that came beside the event counts where the event has none. */
function withTrace(event: Fields, metadata: Readonly<Record<string, string>>): Fields {
  for (const name of TRACE) {
    if (event[name] === undefined && metadata[name] !== undefined) event[name] = metadata[name];
  }
  if (event['traceid'] === undefined && event['traceparent'] !== undefined)
    event['traceid'] = event['traceparent'];
  if (event['traceparent'] === undefined && event['traceid'] !== undefined)
    event['traceparent'] = event['traceid'];
  return event;
}
