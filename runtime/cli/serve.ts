/** `troupe serve`: hosts the actors of a module behind Dapr's HTTP API until it is told to stop. */
import type { Logger } from '../actor/index.ts';
import { formatProblem } from '../config/problem.ts';
import { parseResources } from '../config/resources.ts';
import type { ComponentSpec } from '../config/component.ts';
import { TroupeError } from '../core/errors.ts';
import { createLogger } from '../hosts/logger.ts';
import type { LogLevel } from '../hosts/logger.ts';
import { createSystem } from '../index.ts';
import type { System } from '../index.ts';
import { importActors } from './actor-module.ts';
import type { Surroundings } from './main.ts';
import { readResources } from './resources.ts';

export interface ServeFlags {
  readonly appId: string;
  readonly daprHttpPort: number;
  readonly daprListenAddresses: string;
  readonly daprGracefulShutdownSeconds: number;
  readonly appPort?: number;
  readonly resourcesPath?: readonly string[];
  readonly logLevel: LogLevel;
}

/** Resolves to the exit code, once everything is closed. */
export async function serve(
  modulePath: string,
  flags: ServeFlags,
  { cwd, env, stdout, stderr, stop }: Surroundings,
): Promise<number> {
  const logger = createLogger({
    level: flags.logLevel,
    destination: stderr,
    fields: { app_id: flags.appId },
  });
  const components = await readComponents(flags, env, logger);
  const { actors, services } = await importActors(modulePath, cwd);
  const apiToken = env['DAPR_API_TOKEN'];
  const { daprHttpPort: port, daprListenAddresses: host } = flags;
  const system = await createSystem({
    appId: flags.appId,
    actors,
    services,
    ...(components ? { components } : {}),
    http: { port, host, ...(apiToken ? { apiToken } : {}) },
    ...(flags.appPort === undefined ? {} : { appPort: flags.appPort }),
    logger,
    env,
  }).catch((error: unknown) => {
    throw isPortInUse(error)
      ? new TroupeError(
          'UNAVAILABLE',
          `port ${port} on ${host} is in use; stop what listens there, or choose another port with --dapr-http-port`,
          { cause: error },
        )
      : error;
  });
  const bound = system.http ?? { host, port };
  const types = actors.map(({ type }) => type).join(', ');
  stdout.write(
    `troupe: ready on http://${bound.host.includes(':') ? `[${bound.host}]` : bound.host}:${bound.port}, app id ${flags.appId}, actors ${types}${components ? '' : ', state in memory (give --resources-path to keep it)'}\n`,
  );
  await stopped(stop);
  logger.info({}, 'stopping');
  return closeWithin(system, flags.daprGracefulShutdownSeconds, logger);
}

async function readComponents(
  { resourcesPath, appId }: ServeFlags,
  env: Surroundings['env'],
  logger: Logger,
): Promise<readonly ComponentSpec[] | undefined> {
  if (!resourcesPath) return undefined;
  const files = (await Promise.all(resourcesPath.map((path) => readResources(path)))).flat();
  const namespace = env['NAMESPACE'];
  const { components, warnings, leftOut } = parseResources(files, {
    appId,
    ...(namespace ? { namespace } : {}),
  });
  for (const warning of warnings)
    logger.warn({ problem: formatProblem(warning) }, 'resource ignored');
  for (const { name, file, reason } of leftOut) {
    logger.info({ name, file, reason }, 'component is not for this app');
  }
  return components;
}

function isPortInUse(error: unknown): boolean {
  for (let at: unknown = error; at instanceof Error; at = at.cause) {
    if ((at as NodeJS.ErrnoException).code === 'EADDRINUSE') return true;
  }
  return false;
}

async function stopped(stop: AbortSignal): Promise<void> {
  if (stop.aborted) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  stop.addEventListener('abort', () => resolve(), { once: true });
  await promise;
}

async function closeWithin(system: System, limit: number, logger: Logger): Promise<number> {
  const { promise: late, resolve } = Promise.withResolvers<'late'>();
  const timer = setTimeout(() => resolve('late'), limit * 1000);
  try {
    const outcome = await Promise.race([system.close(), late]);
    if (outcome !== 'late') return 0;
    logger.error({ seconds: limit }, 'graceful shutdown took too long, forcing it');
    return 1;
  } finally {
    clearTimeout(timer);
  }
}
