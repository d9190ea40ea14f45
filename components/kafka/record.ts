/**
 * Events as records of a topic, as daprd writes and reads them: metadata as
 * headers, `partitionKey` or `__key` as the key, and the place of the record as
 * metadata `__topic`, `__partition`, `__offset`, `__timestamp` and `__key`. The
 * content type stands in a header of our own, which daprd passes on.
 */
import type { IHeaders, KafkaMessage, Message } from 'kafkajs';
import { ComponentError } from '../../runtime/core/errors.ts';
import type { ComponentOptions } from '../component.ts';
import type { KafkaSettings } from './settings.ts';

const CONTENT_TYPE = 'contenttype';
/** Of records that have no such header; every event in an envelope is of it. */
const ENVELOPE = 'application/cloudevents+json';
const NULL = Buffer.from('null');

export interface Outgoing {
  readonly data: Uint8Array;
  readonly contentType?: string | undefined;
  readonly metadata?: Readonly<Record<string, string>> | undefined;
  /** Counts when the metadata names no key. */
  readonly key?: string | undefined;
}

export interface Incoming {
  readonly data: Uint8Array;
  readonly contentType: string | undefined;
  readonly metadata: Record<string, string>;
}

/** @throws ComponentError INVALID_ARGUMENT for a partition that is no number, UNSUPPORTED for a schema. */
export function toRecord(
  options: ComponentOptions,
  { excluded }: KafkaSettings,
  { data, contentType, metadata = {}, key }: Outgoing,
): Message {
  const headers: IHeaders = {};
  for (const [name, value] of Object.entries(metadata)) {
    if (!excluded?.test(name)) headers[name] = value;
  }
  if (contentType !== undefined && contentType !== ENVELOPE) headers[CONTENT_TYPE] = contentType;
  refuseSchema(options, metadata);
  const partition = partitionIn(options, metadata['partitionNumber']);
  const bytes = Buffer.from(data);
  return {
    key: metadata['__key'] ?? metadata['partitionKey'] ?? key ?? null,
    // What is JSON null is a record without a value, which compaction takes as a deletion.
    value: bytes.equals(NULL) ? null : bytes,
    headers,
    ...(partition === undefined ? {} : { partition }),
  };
}

/** What Kafka takes as the name of a topic. */
const TOPIC = /^(?!\.{1,2}$)[\w.-]{1,249}$/;

/** @throws ComponentError INVALID_ARGUMENT for a name that no topic can have. */
export function requireTopic(options: ComponentOptions, topic: string): void {
  if (typeof topic === 'string' && TOPIC.test(topic)) return;
  throw new ComponentError(
    options,
    'a topic must be 1 to 249 letters, digits, dots, dashes and underscores',
    { code: 'INVALID_ARGUMENT' },
  );
}

/** @throws ComponentError UNSUPPORTED when metadata asks for a schema. */
export function refuseSchema(
  options: ComponentOptions,
  metadata: Readonly<Record<string, string>>,
): void {
  const schema = metadata['valueSchemaType']?.toLowerCase() ?? 'none';
  if (schema === 'none' || schema === '') return;
  throw new ComponentError(options, `metadata "valueSchemaType" is ${schema}: not supported`, {
    code: 'UNSUPPORTED',
  });
}

function partitionIn(options: ComponentOptions, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const partition = Number(text);
  if (/^\d+$/.test(text) && partition < 2 ** 31) return partition;
  throw new ComponentError(options, 'metadata "partitionNumber" is not a number of a partition', {
    code: 'INVALID_ARGUMENT',
  });
}

/** Bytes that a record takes, about. */
export function sizeOf({ key, value, headers }: Message): number {
  let size = 64 + Buffer.byteLength(key ?? '') + (value?.length ?? 0);
  for (const [name, header] of Object.entries(headers ?? {}))
    size += 8 + Buffer.byteLength(name) + Buffer.byteLength(String(header ?? ''));
  return size;
}

function textOf(header: IHeaders[string]): string {
  const last = Array.isArray(header) ? header.at(-1) : header;
  return last === undefined ? '' : last.toString();
}

/** As Go's `url.QueryEscape` writes it. */
function escape(text: string): string {
  return encodeURIComponent(text)
    .replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll('%20', '+');
}

export function fromRecord(
  { escapeHeaders, excluded }: KafkaSettings,
  { topic, partition }: { topic: string; partition: number },
  { key, value, headers = {}, offset, timestamp }: KafkaMessage,
): Incoming {
  // One literal, so that the engine knows the shape; there is one for every event.
  const metadata: Record<string, string> = {
    __offset: offset,
    __topic: topic,
    __timestamp: timestamp,
    __partition: String(partition),
  };
  if (key !== null) metadata['__key'] = escapeHeaders ? escape(key.toString()) : key.toString();
  let contentType: string | undefined;
  for (const name in headers) {
    const text = textOf(headers[name]);
    if (name === CONTENT_TYPE) contentType = text;
    else if (!excluded?.test(name)) metadata[name] = escapeHeaders ? escape(text) : text;
  }
  // A view: the record shares its bytes with the answer it came in, which is gone when its events are.
  return { data: value ?? NULL, contentType, metadata };
}
