/**
 * The metadata of a Kafka component, checked and turned into what its parts
 * need. What Dapr can and these drivers cannot is refused by name.
 */
import type { ComponentOptions, MetadataField } from '../component.ts';
import { readMetadata, type MetadataReader } from '../metadata.ts';
import { readSecurity, type Security } from './security.ts';

export type CompressionName = 'none' | 'gzip' | 'zstd';

/** Pauses before an event is given to its handler again. */
export interface BackOff {
  readonly policy: 'constant' | 'exponential';
  readonly firstMs: number;
  readonly longestMs: number;
  /** Undefined: without end. */
  readonly retries: number | undefined;
}

export interface KafkaSettings extends Security {
  readonly brokers: readonly string[];
  readonly group: string;
  readonly clientId: string;
  readonly fromBeginning: boolean;
  readonly maxMessageBytes: number;
  /** Undefined: an event whose handler failed is passed over. */
  readonly backOff: BackOff | undefined;
  readonly consumeRetryMs: number;
  readonly sessionTimeoutMs: number;
  readonly heartbeatMs: number;
  readonly strategy: 'range' | 'roundrobin';
  readonly bufferSize: number;
  readonly fetchMinBytes: number;
  readonly fetchBytes: number;
  readonly compression: CompressionName;
  readonly acks: -1 | 0 | 1;
  readonly produceRetries: number;
  readonly escapeHeaders: boolean;
  readonly excluded: RegExp | undefined;
  readonly metadataAgeMs: number;
  readonly keepAliveMs: number;
  readonly dialTimeoutMs: number;
  readonly readTimeoutMs: number;
  readonly writeTimeoutMs: number;
  readonly concurrency: number;
}

export interface SettingsGiven {
  readonly fields: readonly MetadataField[];
  /** Default of `consumeRetryEnabled`. */
  readonly retries: boolean;
}

/** @throws ComponentError INVALID_ARGUMENT that names the field and what to write. */
export function readKafka(options: ComponentOptions, { fields, retries }: SettingsGiven) {
  const metadata = readMetadata(options, fields);
  const lasting = (name: string, fallback: number, least = 1): number => {
    const ms = metadata.duration(name) ?? fallback;
    if (ms < least) throw metadata.refuse(name, `must be at least ${least}ms`);
    return ms;
  };
  const heartbeatMs = lasting('heartbeatInterval', 3_000);
  const sessionTimeoutMs = lasting('sessionTimeout', 10_000);
  if (heartbeatMs >= sessionTimeoutMs)
    throw metadata.refuse('heartbeatInterval', 'must be less than "sessionTimeout"');
  checkVersion(metadata);
  const settings: KafkaSettings = {
    ...readSecurity(metadata),
    brokers: brokersOf(metadata),
    group: metadata.text('consumerGroup') ?? metadata.text('consumerID') ?? options.appId,
    clientId: metadata.text('clientID') ?? 'sarama',
    fromBeginning: choice(metadata, 'initialOffset', ['newest', 'oldest']) === 'oldest',
    maxMessageBytes: metadata.count('maxMessageBytes', 1) ?? 1_048_576,
    backOff:
      (metadata.boolean('consumeRetryEnabled') ?? retries)
        ? backOffOf(metadata, lasting)
        : undefined,
    consumeRetryMs: bareMilliseconds(metadata, 'consumeRetryInterval') ?? 100,
    sessionTimeoutMs,
    heartbeatMs,
    strategy: strategyOf(metadata),
    bufferSize: metadata.count('channelBufferSize', 1) ?? 256,
    fetchMinBytes: metadata.count('consumerFetchMin', 1) ?? 1,
    fetchBytes: metadata.count('consumerFetchDefault', 1) ?? 1_048_576,
    compression: compressionOf(metadata),
    acks: ({ all: -1, local: 1, none: 0 } as const)[
      choice(metadata, 'producerRequiredAcks', ['all', 'local', 'none'])
    ],
    produceRetries: metadata.count('producerRetryMax', 0) ?? 5,
    escapeHeaders: metadata.boolean('escapeHeaders') ?? false,
    excluded: excludedOf(metadata),
    metadataAgeMs: lasting('clientConnectionTopicMetadataRefreshInterval', 480_000),
    keepAliveMs: lasting('clientConnectionKeepAliveInterval', 0, 0),
    dialTimeoutMs: lasting('dialTimeout', 30_000),
    readTimeoutMs: lasting('readTimeout', 30_000),
    writeTimeoutMs: lasting('writeTimeout', 30_000),
    concurrency: metadata.count('concurrency', 1) ?? 1,
  };
  return { metadata, settings };
}

/** One of the texts; the first is the default. */
function choice<T extends string>(metadata: MetadataReader, name: string, texts: readonly T[]): T {
  const written = metadata.text(name)?.trim().toLowerCase() ?? texts[0]!;
  const found = texts.find((text) => text === written);
  if (found !== undefined) return found;
  throw metadata.refuse(name, `must be ${texts.map((text) => `"${text}"`).join(' or ')}`);
}

/** Dapr reads a bare number of this field as milliseconds, and of the others as seconds. */
function bareMilliseconds(metadata: MetadataReader, name: string): number | undefined {
  const written = metadata.text(name)?.trim() ?? '';
  const ms = /^\d+$/.test(written) ? Number(written) : metadata.duration(name);
  if (ms !== undefined && ms < 1) throw metadata.refuse(name, 'must be at least 1ms');
  return ms;
}

function brokersOf(metadata: MetadataReader): string[] {
  const brokers = (metadata.text('brokers') ?? '').split(',').map((one) => one.trim());
  if (brokers.length === 0 || !brokers.every((one) => /^(\[[^\]]+\]|[^:[\]/]+):\d{1,5}$/.test(one)))
    throw metadata.refuse('brokers', 'is not a list of addresses; write it like "localhost:9092"');
  return brokers;
}

function backOffOf(
  metadata: MetadataReader,
  lasting: (name: string, fallback: number, least?: number) => number,
): BackOff {
  const policy = choice(metadata, 'backOffPolicy', ['constant', 'exponential']);
  const most = metadata.text('backOffMaxRetries')?.trim() ?? '-1';
  if (!/^-?\d+$/.test(most)) throw metadata.refuse('backOffMaxRetries', 'is not a whole number');
  const constant = lasting('backOffDuration', 5_000);
  const first = lasting('backOffInitialInterval', 500);
  return {
    policy,
    firstMs: policy === 'constant' ? constant : first,
    longestMs: lasting('backOffMaxInterval', 60_000),
    retries: Number(most) < 0 ? undefined : Number(most),
  };
}

function strategyOf(metadata: MetadataReader): KafkaSettings['strategy'] {
  const name = 'consumerGroupRebalanceStrategy';
  const strategy = choice(metadata, name, ['range', 'roundrobin', 'sticky']);
  if (strategy !== 'sticky') return strategy;
  throw metadata.refuse(name, 'is sticky, which is not supported; use "range" or "roundrobin"');
}

function compressionOf(metadata: MetadataReader): CompressionName {
  const name = choice(metadata, 'compression', ['none', 'gzip', 'zstd', 'snappy', 'lz4']);
  if (name === 'snappy' || name === 'lz4')
    throw metadata.refuse(
      'compression',
      `is ${name}, which is not supported; use "gzip" or "zstd"`,
    );
  return name;
}

function excludedOf(metadata: MetadataReader): RegExp | undefined {
  const text = metadata.text('excludeHeaderMetaRegex');
  if (text === undefined) return undefined;
  try {
    return new RegExp(text);
  } catch {
    throw metadata.refuse('excludeHeaderMetaRegex', 'is not a regular expression');
  }
}

function checkVersion(metadata: MetadataReader): void {
  const text = metadata.text('version')?.trim() ?? '2.0.0';
  const [, major, minor] = /^(\d+)\.(\d+)\.\d+(?:\.\d+)?$/.exec(text) ?? [];
  if (major === undefined) throw metadata.refuse('version', 'is no version; write it like "3.9.0"');
  if (Number(major) === 0 && Number(minor) < 11)
    throw metadata.refuse('version', 'is below 0.11, whose events have no headers');
}
