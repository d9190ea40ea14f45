/**
 * `troupe sidecar`: daprd's process. Flags, environment, signals, exit codes
 * and log lines are daprd's; what serves is runtime/hosts/sidecar.ts.
 */
import { hostname } from 'node:os';
import { isTroupeError, TroupeError } from '../core/errors.ts';
import { resourcesFailure } from '../hosts/sidecar-failure.ts';
import { createSidecarLog, SIDECAR_LOG_LEVELS, type SidecarLog } from '../hosts/sidecar-log.ts';
import { DAPR_VERSION } from '../hosts/sidecar-version.ts';
import { VERSION } from '../hosts/version.ts';
import type { Surroundings } from './main.ts';
import { parseSidecarFlags, type ParsedFlags } from './sidecar-flags.ts';
import { sidecarHelp } from './sidecar-help.ts';
import { runSidecar } from './sidecar-run.ts';
import { waitForOutbound } from './sidecar-wait.ts';

/** What daprd's process has beside the command line. */
export interface SidecarSurroundings extends Pick<Surroundings, 'env' | 'stdout' | 'stderr'> {
  /** Aborts on SIGINT and SIGTERM. */
  readonly stop: AbortSignal;
  /** Calls back on every SIGHUP until it is told to stop; gives what stops it. */
  readonly onHangup: (restart: () => void) => () => void;
  /** Ends the process at once, because a shutdown was forced or took too long. */
  readonly exit: (code: number) => void;
}

/** Runs one command line and resolves to its exit code. */
export async function sidecar(
  args: readonly string[],
  surroundings: SidecarSurroundings,
): Promise<number> {
  const { stdout, stderr } = surroundings;
  if (args.some((arg) => /^--?(?:h|help)$/.test(arg))) {
    stdout.write(sidecarHelp());
    return 0;
  }
  let parsed: ParsedFlags;
  try {
    parsed = parseSidecarFlags(args);
  } catch (error) {
    stderr.write(`troupe sidecar: ${textOf(error)}\n`);
    return 2;
  }
  const { flags, warnings } = parsed;
  for (const warning of warnings) stderr.write(`${warning}\n`);
  if (flags.version) {
    stdout.write(`${DAPR_VERSION}\n`);
    return 0;
  }
  if (flags['build-info']) {
    stdout.write(
      `Version: ${DAPR_VERSION}\nGit Commit: troupe-${VERSION}\nGit Version: troupe-v${VERSION}\n`,
    );
    return 0;
  }
  if (flags.wait) {
    await waitForOutbound(flags['dapr-http-port'], surroundings);
    return 0;
  }
  const log = openLog(parsed, surroundings);
  try {
    const level = SIDECAR_LOG_LEVELS.find((known) => known === flags['log-level']);
    if (!level) {
      throw new TroupeError(
        'INVALID_ARGUMENT',
        `invalid value for --log-level: ${flags['log-level']}`,
      );
    }
    log.info({}, `Starting Dapr Runtime -- version ${DAPR_VERSION} -- commit troupe-${VERSION}`);
    log.info({}, `Log level set to: ${level}`);
    const code = await runSidecar(parsed, log, surroundings);
    if (code === 0) log.info({}, 'Daprd shutdown gracefully');
    return code;
  } catch (error) {
    log.fatal({}, `Fatal error from runtime: ${textOf(error)}`);
    return 1;
  }
}

function openLog(
  { flags }: ParsedFlags,
  { stdout }: Pick<SidecarSurroundings, 'stdout'>,
): SidecarLog {
  return createSidecarLog({
    level: SIDECAR_LOG_LEVELS.find((known) => known === flags['log-level']) ?? 'info',
    asJson: flags['log-as-json'],
    appId: flags['app-id'],
    instance: hostname(),
    version: DAPR_VERSION,
    write: (line) => stdout.write(line),
    now: () => Date.now(),
  });
}

function textOf(error: unknown): string {
  const words = resourcesFailure(error);
  if (words !== undefined) return `failed to load components: ${words}`;
  if (isTroupeError(error) && error.code !== 'INTERNAL') return error.message;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
