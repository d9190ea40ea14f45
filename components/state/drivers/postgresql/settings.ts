/** The metadata of `state.postgresql`: that of every PostgreSQL component, and what a state store adds. */
import type { ComponentOptions, MetadataField } from '../../../component.ts';
import { readMetadata } from '../../../metadata.ts';
import {
  connectionFields,
  readConnection,
  tableName,
  type ConnectionSettings,
} from '../../../postgresql/settings.ts';

export const fields: readonly MetadataField[] = [
  ...connectionFields,
  {
    name: 'tablePrefix',
    description:
      'Put before the names of the tables; may name a schema, which has to exist (`schema.app_`). Default: none.',
  },
  {
    name: 'metadataTableName',
    description: 'Table that holds the level of the table layout. Default `dapr_metadata`.',
  },
  {
    name: 'cleanupInterval',
    aliases: ['cleanupIntervalInSeconds'],
    description:
      'How often expired rows, which are never seen, are deleted; `0s` keeps them. Default `1h`.',
  },
];

export interface PostgresqlSettings extends ConnectionSettings {
  readonly prefix: string;
  readonly stateTable: string;
  /** The side table of the ordered index. */
  readonly indexTable: string;
  readonly metadataTable: string;
  /** 0: never. */
  readonly cleanupIntervalMs: number;
}

/** @throws ComponentError INVALID_ARGUMENT that names the field and what to write. */
export function readSettings(options: ComponentOptions): PostgresqlSettings {
  const connection = readConnection(options);
  const metadata = readMetadata(options, fields);
  const prefix = metadata.text('tablePrefix') ?? '';
  const refuse = (problem: string) => metadata.refuse('tablePrefix', problem);
  return {
    ...connection,
    prefix,
    stateTable: tableName(`${prefix}state`, refuse),
    indexTable: tableName(`${prefix}state_troupe_index`, refuse),
    metadataTable: tableName(metadata.text('metadataTableName') ?? 'dapr_metadata', (problem) =>
      metadata.refuse('metadataTableName', problem),
    ),
    cleanupIntervalMs: Math.max(0, metadata.duration('cleanupInterval') ?? 3_600_000),
  };
}
