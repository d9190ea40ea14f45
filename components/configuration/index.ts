/** The table of configuration stores. */
import type { Kind } from '../component.ts';
import type { ConfigurationStore } from './contract.ts';

export const configurationKind: Kind<ConfigurationStore> = {
  fields: [],
  drivers: [],
};
