/** The metadata of `pubsub.redis`: that of every Redis component, and what streams add. */
import type { ComponentOptions, MetadataField } from '../../../component.ts';
import { readMetadata } from '../../../metadata.ts';
import {
  connectionFields,
  readConnection,
  type ConnectionSettings,
} from '../../../redis/settings.ts';

export const fields: readonly MetadataField[] = [
  ...connectionFields,
  {
    name: 'consumerID',
    description:
      'The consumer group: of all processes with the same, one gets an event. Default: the app id.',
  },
  {
    name: 'redeliverInterval',
    description:
      'How often events whose handling failed or never ended are looked for; `0` turns it off, so that they come again only after a restart. Default `60s`.',
  },
  {
    name: 'processingTimeout',
    description:
      'How long an event may be in handling before its handler is told to stop and it is delivered again; `0` is no limit and no redelivery. Default `15s`.',
  },
  {
    name: 'queueDepth',
    description: 'Events of a topic that are read ahead of their handlers. Default `100`.',
  },
  { name: 'concurrency', description: 'Handlers of a topic that run at once. Default `10`.' },
  {
    name: 'maxLenApprox',
    description: 'Entries that a stream keeps, about, handled or not. Default: no limit.',
  },
  {
    name: 'streamTTL',
    description: 'How long a stream keeps its entries, about, handled or not. Default: for ever.',
  },
];

export interface StreamSettings extends ConnectionSettings {
  readonly group: string;
  /** 0: failed events are not looked for. */
  readonly redeliverMs: number;
  /** 0: no limit. */
  readonly processingMs: number;
  readonly queueDepth: number;
  readonly concurrency: number;
  readonly maxLength: number | undefined;
  readonly ttlMs: number | undefined;
}

/** @throws ComponentError INVALID_ARGUMENT that names the field and what to write. */
export function readSettings(options: ComponentOptions): StreamSettings {
  const connection = readConnection(options);
  const metadata = readMetadata(options, fields);
  const interval = (name: string, fallback: number): number => {
    // As in daprd, a bare number is milliseconds here and not seconds.
    const written = metadata.text(name)?.trim() ?? '';
    const ms = /^\d+$/.test(written) ? Number(written) : (metadata.duration(name) ?? fallback);
    if (ms < 0) throw metadata.refuse(name, 'must not be negative');
    return ms;
  };
  const maxLength = metadata.count('maxLenApprox', 1);
  const ttlMs = metadata.duration('streamTTL');
  if (maxLength !== undefined && ttlMs !== undefined)
    throw metadata.refuse('streamTTL', 'cannot be used with "maxLenApprox"; keep one of them');
  return {
    ...connection,
    group: metadata.text('consumerID') ?? options.appId,
    redeliverMs: interval('redeliverInterval', 60_000),
    processingMs: interval('processingTimeout', 15_000),
    queueDepth: metadata.count('queueDepth', 1) ?? 100,
    concurrency: metadata.count('concurrency', 1) ?? 10,
    maxLength,
    ttlMs,
  };
}
