/** The sockets of pluggable components. What is behind them is loaded only when there are any. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Registry } from '../../components/registry.ts';
import { TroupeError } from '../core/errors.ts';
import type { EngineLogger } from '../core/ports.ts';

/** Where daprd looks when DAPR_COMPONENTS_SOCKETS_FOLDER is not set. */
const DEFAULT_FOLDER = '/tmp/dapr-components-sockets';

/** The registry with what is pluggable here; undefined when there is nothing. */
export async function findPluggables(
  env: Readonly<Record<string, string | undefined>>,
  logger: EngineLogger,
): Promise<Registry | undefined> {
  const folder = env['DAPR_COMPONENTS_SOCKETS_FOLDER'] || DEFAULT_FOLDER;
  const entries = await readdir(folder, { withFileTypes: true }).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw new TroupeError(
      'INVALID_ARGUMENT',
      `the folder of pluggable components ${folder} cannot be read; see DAPR_COMPONENTS_SOCKETS_FOLDER`,
      { cause: error },
    );
  });
  const sockets: string[] = [];
  for (const entry of entries) {
    const path = join(folder, entry.name);
    if (entry.isSocket()) sockets.push(path);
    else if (!entry.isDirectory()) logger.warn({}, `could not use socket for file ${path}`);
  }
  if (sockets.length === 0) return undefined;
  const { discoverPluggables } = await import('./pluggable-discovery.ts');
  return discoverPluggables(sockets.toSorted(), logger);
}
