/** `troupe models serve`: the models of a folder behind the Open Inference Protocol, until it is told to stop. */
import { resolve } from 'node:path';
import { createInference } from '../../workers/inference/inference.ts';
import { createLogger } from '../hosts/logger.ts';
import type { LogLevel } from '../hosts/logger.ts';
import { createSystem } from '../index.ts';
import type { Surroundings } from './main.ts';

export interface ModelsFlags {
  readonly port: number;
  readonly address: string;
  readonly workers: number;
  readonly model?: readonly string[];
  readonly logLevel: LogLevel;
}

/** Longest request, in bytes: tensors are larger than an actor's arguments. */
const MAX_BODY_BYTES = 64 * 1024 * 1024;

/** Resolves to the exit code, once everything is closed. */
export async function serveModels(
  folder: string,
  { port, address: host, workers, model, logLevel }: ModelsFlags,
  { cwd, env, stdout, stderr, stop }: Surroundings,
): Promise<number> {
  const logger = createLogger({ level: logLevel, destination: stderr, fields: {} });
  await using models = await createInference({
    repository: resolve(cwd, folder),
    workers,
    ...(model ? { models: model } : {}),
  });
  const apiToken = env['DAPR_API_TOKEN'];
  await using system = await createSystem({
    appId: 'models',
    actors: [],
    models,
    http: { port, host, maxBodyBytes: MAX_BODY_BYTES, ...(apiToken ? { apiToken } : {}) },
    logger,
  });
  const states = await models.index();
  const ready = states
    .filter(({ state }) => state === 'READY')
    .map(({ name, version = '' }) => `${name} ${version}`);
  const at = system.http!;
  const threads = workers === 1 ? '1 worker' : `${workers} workers`;
  stdout.write(
    `troupe: models ready on http://${at.host.includes(':') ? `[${at.host}]` : at.host}:${at.port}, ${threads}: ${ready.join(', ') || 'none'}\n`,
  );
  if (!stop.aborted) {
    const { promise, resolve: stopped } = Promise.withResolvers<void>();
    stop.addEventListener('abort', () => stopped(), { once: true });
    await promise;
  }
  logger.info({}, 'stopping');
  return 0;
}
