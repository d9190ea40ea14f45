/**
 * The life of the sidecar process: open, wait for what ends or restarts it, and
 * leave in daprd's way: graceful within its time, forced when asked, again on
 * SIGHUP.
 */
import { goText } from '../core/go-text.ts';
import { openSidecar, type Sidecar } from '../hosts/sidecar.ts';
import type { SidecarLog } from '../hosts/sidecar-log.ts';
import type { ParsedFlags } from './sidecar-flags.ts';
import { readSidecarResources } from './sidecar-resources.ts';
import { sidecarSettings, type SidecarSettings } from './sidecar-settings.ts';
import type { SidecarSurroundings } from './sidecar.ts';

/** What a forced shutdown waits, so that its answer reaches the client. */
const FORCE_DELAY_MS = 100;

type Ending = 'stop' | 'shutdown' | 'restart';

/** Resolves to the exit code. Errors: whatever keeps the sidecar from starting. */
export async function runSidecar(
  parsed: ParsedFlags,
  log: SidecarLog,
  surroundings: SidecarSurroundings,
): Promise<number> {
  const settings = sidecarSettings(parsed, surroundings.env);
  for (;;) {
    const ending = await runOnce(settings, log, surroundings);
    if (ending !== 'restart') return 0;
    log.info({}, 'Restarting the runtime, SIGHUP was received');
  }
}

async function runOnce(
  settings: SidecarSettings,
  log: SidecarLog,
  surroundings: SidecarSurroundings,
): Promise<Ending> {
  const { stop, exit, env } = surroundings;
  const ended = Promise.withResolvers<Ending>();
  const leaving = new AbortController();
  const end = (ending: Ending): void => {
    leaving.abort();
    ended.resolve(ending);
  };
  const onStop = (): void => end('stop');
  stop.addEventListener('abort', onStop, { once: true });
  if (stop.aborted) onStop();
  const offHangup = surroundings.onHangup(() => end('restart'));
  try {
    const { resources, configuration } = await readSidecarResources(settings, env, log);
    const opening = openSidecar({
      appId: settings.appId,
      namespace: settings.namespace,
      mode: settings.mode,
      actorsEnabled: settings.actorsEnabled,
      controlPlane: settings.controlPlane,
      components: resources.components,
      subscriptions: resources.subscriptions,
      resiliencies: resources.resiliencies,
      httpEndpoints: resources.httpEndpoints,
      ...(configuration?.features['HotReload'] === false || settings.resourcesPaths.length === 0
        ? {}
        : {
            reload: {
              paths: settings.resourcesPaths,
              read: async () => (await readSidecarResources(settings, env, log)).resources,
              initial: resources,
              intervalMs: settings.reloadIntervalMs,
              restart: () => end('restart'),
              fail: (error: Error) => ended.reject(error),
            },
          }),
      configuration,
      listen: settings.listen,
      gracefulShutdownMs: settings.gracefulShutdownMs,
      app: settings.app,
      metrics: settings.metrics,
      log,
      env,
      signal: leaving.signal,
      onShutdown({ force }) {
        if (force) {
          log.warn({}, 'Force shutdown requested, exiting immediately without graceful shutdown');
          setTimeout(() => exit(1), FORCE_DELAY_MS);
          return;
        }
        log.info({}, 'Shutdown requested via API');
        end('shutdown');
      },
    });
    const sidecar = await opening.catch((error: unknown) => {
      // A start that was told to stop is no failure.
      if (leaving.signal.aborted) return undefined;
      throw error;
    });
    if (!sidecar) return await ended.promise;
    sidecar.ready.catch((error: unknown) => ended.reject(error));
    const ending = await ended.promise.catch(async (error: unknown) => {
      await closeWithin(sidecar, settings.gracefulShutdownMs, log, exit);
      throw error;
    });
    if (ending === 'stop') await block(settings, sidecar, log);
    await closeWithin(sidecar, settings.gracefulShutdownMs, log, exit);
    return ending;
  } finally {
    stop.removeEventListener('abort', onStop);
    offHangup();
  }
}

/** `--dapr-block-shutdown-duration`: goes on serving for that time, or until the app is unhealthy. */
async function block(
  { blockShutdownMs }: SidecarSettings,
  sidecar: Sidecar,
  log: SidecarLog,
): Promise<void> {
  if (blockShutdownMs === undefined) return;
  log.info(
    {},
    `Blocking graceful shutdown for ${goText(blockShutdownMs)} or until app reports unhealthy...`,
  );
  await sidecar.pauseDeliveries();
  let timer: NodeJS.Timeout | undefined;
  const elapsed = new Promise<'elapsed'>((resolve) => {
    timer = setTimeout(() => resolve('elapsed'), blockShutdownMs);
  });
  const why = await Promise.race([elapsed, sidecar.unhealthy()]);
  clearTimeout(timer);
  log.info(
    {},
    why === 'elapsed'
      ? 'Block shutdown period expired, entering shutdown...'
      : 'App reported unhealthy, entering shutdown...',
  );
}

async function closeWithin(
  sidecar: Sidecar,
  limitMs: number,
  log: SidecarLog,
  exit: (code: number) => void,
): Promise<void> {
  // Zero is no limit, as in daprd.
  const timer =
    limitMs > 0
      ? setTimeout(() => {
          log.fatal({}, 'Graceful shutdown timeout exceeded, forcing shutdown');
          exit(1);
        }, limitMs)
      : undefined;
  log.info({}, 'Dapr is shutting down');
  await sidecar.close();
  clearTimeout(timer);
  log.info({}, 'Dapr runtime stopped');
}
