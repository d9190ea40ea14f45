/** The table of runtimes: a runtime is a row here and a file beside. */
import { TroupeError } from '../core/errors.ts';
import { createEmbedded } from './embedded.ts';
import type { System, SystemOptions } from './system.ts';

export const RUNTIMES = {
  embedded: createEmbedded,
  sidecar: async (options) => (await import('./sidecar-system.ts')).createSidecar(options),
  dapr: async (options) => (await import('./dapr.ts')).createDapr(options),
} as const satisfies Record<string, (options: SystemOptions) => Promise<System>>;

export function openHost(options: SystemOptions): Promise<System> {
  const name = options.runtime ?? 'embedded';
  const create = Object.hasOwn(RUNTIMES, name) ? RUNTIMES[name] : undefined;
  if (!create) {
    throw new TroupeError(
      'INVALID_ARGUMENT',
      `there is no runtime "${String(name)}"; known: ${Object.keys(RUNTIMES).join(', ')}`,
    );
  }
  return create(options);
}
