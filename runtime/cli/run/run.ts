/** `troupe run`: reads its flags and runs one app, or those of a run file. */
import { isTroupeError, TroupeError } from '../../core/errors.ts';
import type { Parsed } from '../flag-table.ts';
import type { Surroundings } from '../main.ts';
import { parseRunFlags, type RUN_FLAGS, WITH_RUN_FILE } from './flags.ts';
import { runHelp } from './help.ts';
import { runFilePath } from './run-file-path.ts';

export interface RunSurroundings extends Surroundings {
  /** Aborts when the user asks a second time: everything ends at once. */
  readonly kill: AbortSignal;
  /** Colours a line of an app. */
  readonly colours: (text: string) => string;
  /** All of standard input, for `--run-file -`. */
  readonly readInput: () => Promise<string>;
}

const USAGE_ERROR = 2;

/** Runs one command line and resolves to its exit code. */
export async function run(args: readonly string[], surroundings: RunSurroundings): Promise<number> {
  const { stdout, stderr } = surroundings;
  let parsed: Parsed<typeof RUN_FLAGS>;
  try {
    parsed = parseRunFlags(args);
  } catch (error) {
    stderr.write(`troupe run: ${textOf(error)}\n`);
    return USAGE_ERROR;
  }
  for (const warning of parsed.warnings) stderr.write(`${warning}\n`);
  const { flags, given } = parsed;
  if (flags.help) {
    stdout.write(runHelp());
    return 0;
  }
  try {
    if (flags.kubernetes) {
      throw new TroupeError(
        'UNSUPPORTED',
        '--kubernetes is not supported: nothing is deployed; run the apps here, without it',
      );
    }
    if (flags['run-file'] === '') {
      const { runOne } = await import('./one.ts');
      return await runOne(parsed, surroundings);
    }
    const ignored = [...given].filter((name) => !WITH_RUN_FILE.includes(name));
    if (ignored.length > 0) {
      stdout.write(
        `⚠️  The following flags are ignored when using --run-file and should be configured in the run file instead: ${ignored.join(', ')}\n`,
      );
    }
    const path = await runFilePath(flags['run-file'], surroundings.cwd);
    const { runMany } = await import('./many.ts');
    return await runMany(path, flags, surroundings);
  } catch (error) {
    stderr.write(`troupe run: ${textOf(error)}\n`);
    return 1;
  }
}

function textOf(error: unknown): string {
  if (isTroupeError(error) && error.code !== 'INTERNAL') return error.message;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
