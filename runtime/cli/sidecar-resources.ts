/** What a sidecar reads from disk at its start: resources of every path, and its configuration. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Configuration } from '../config/configuration.ts';
import { formatProblem } from '../config/problem.ts';
import type { ResourceFile } from '../config/reader.ts';
import type { ParsedResources } from '../config/resources.ts';
import { TroupeError } from '../core/errors.ts';
import type { SidecarLog } from '../hosts/sidecar-log.ts';
import type { SidecarSettings } from './sidecar-settings.ts';

export interface SidecarResources {
  readonly resources: Pick<
    ParsedResources,
    | 'components'
    | 'subscriptions'
    | 'resiliencies'
    | 'httpEndpoints'
    | 'configurations'
    | 'problems'
  >;
  /** Undefined when no configuration was named. */
  readonly configuration: Configuration | undefined;
}

const NOTHING: SidecarResources['resources'] = {
  components: [],
  subscriptions: [],
  resiliencies: [],
  httpEndpoints: [],
  configurations: [],
  problems: [],
};

/** The parser is loaded only when there is something to parse. Errors: INVALID_ARGUMENT naming file, line and field. */
export async function readSidecarResources(
  { resourcesPaths, configPaths, appId, namespace }: SidecarSettings,
  env: Readonly<Record<string, string | undefined>>,
  log: SidecarLog,
): Promise<SidecarResources> {
  const files = await readFolders(resourcesPaths);
  const configuration =
    configPaths.length === 0 ? undefined : await readConfiguration(configPaths, env, log);
  if (files.length === 0) return { resources: NOTHING, configuration };
  const { ALL_KINDS, parseResources } = await import('../config/resources.ts');
  const parsed = parseResources(files, {
    appId,
    broken: 'report',
    kinds: ALL_KINDS,
    ...(namespace === undefined ? {} : { namespace }),
  });
  for (const problem of parsed.problems) {
    if (problem.daprd) log.error({}, `${problem.daprd}: ${formatProblem(problem)}`);
    else log.warn({}, formatProblem(problem));
  }
  for (const warning of parsed.warnings) log.warn({}, formatProblem(warning));
  for (const { name, reason } of parsed.leftOut) log.info({}, `"${name}" left out: ${reason}`);
  return { resources: parsed, configuration };
}

async function readConfiguration(
  paths: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  log: SidecarLog,
): Promise<Configuration> {
  log.debug({}, `Loading config from file(s): ${paths.join(', ')}`);
  const { parseConfiguration } = await import('../config/configuration-yaml.ts');
  const { configuration, warnings } = parseConfiguration(await textsOf(paths), {
    env,
    unknownFields: 'warn',
  });
  for (const problem of warnings) log.warn({}, formatProblem(problem));
  return configuration;
}

async function textsOf(paths: readonly string[]): Promise<ResourceFile[]> {
  const { readResources } = await import('./resources.ts');
  return (await Promise.all(paths.map((path) => readResources(path)))).flat();
}

/** The texts of the YAML files in the folders. Errors: INVALID_ARGUMENT for a folder that cannot be read. */
export async function readFolders(folders: readonly string[]): Promise<ResourceFile[]> {
  return textsOf((await Promise.all(folders.map(yamlFiles))).flat());
}

async function yamlFiles(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((cause: unknown) => {
    throw new TroupeError(
      'INVALID_ARGUMENT',
      `failed to load resources from disk: ${(cause as Error).message}`,
      { cause },
    );
  });
  return entries
    .filter((entry) => !entry.isDirectory() && /\.ya?ml$/.test(entry.name))
    .map((entry) => join(folder, entry.name))
    .toSorted();
}
