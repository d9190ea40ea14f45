/** The metadata of `state.redis`: that of every Redis component, and what a state store adds. */
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
    name: 'ttlInSeconds',
    description:
      'Time to live of rows that are written without one; refused for a store of actors. Default: none.',
  },
];

export interface RedisSettings extends ConnectionSettings {
  readonly ttlSeconds: number | undefined;
  /** The store keeps the state of actors. */
  readonly actors: boolean;
}

const ACTORS: MetadataField = { name: 'actorStateStore', description: '' };

/** @throws ComponentError INVALID_ARGUMENT that names the field and what to write. */
export function readSettings(options: ComponentOptions): RedisSettings {
  const connection = readConnection(options);
  const metadata = readMetadata(options, [...fields, ACTORS]);
  const ttlSeconds = metadata.count('ttlInSeconds', 1);
  const actors = metadata.boolean('actorStateStore') ?? false;
  if (ttlSeconds !== undefined && actors)
    throw metadata.refuse(
      'ttlInSeconds',
      'would let the state of actors disappear; remove it or keep actors in another component',
    );
  return { ...connection, ttlSeconds, actors };
}
