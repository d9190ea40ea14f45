/** The metadata of `state.etcd`: that of every etcd component, and what a state store adds. */
import type { ComponentOptions, MetadataField } from '../../../component.ts';
import {
  connectionFields,
  readConnection,
  type ConnectionSettings,
} from '../../../etcd/settings.ts';
import { readMetadata } from '../../../metadata.ts';

export const fields: readonly MetadataField[] = [
  ...connectionFields,
  {
    name: 'maxTxnOps',
    description:
      'Operations that the server takes in one transaction, its flag `--max-txn-ops`. At least `16`; default `128`.',
  },
];

export interface EtcdSettings extends ConnectionSettings {
  readonly maxOps: number;
}

/** @throws ComponentError INVALID_ARGUMENT that names the field and what to write. */
export function readSettings(options: ComponentOptions): EtcdSettings {
  const connection = readConnection(options);
  const maxOps = readMetadata(options, fields).count('maxTxnOps', 16) ?? 128;
  return { ...connection, maxOps };
}
