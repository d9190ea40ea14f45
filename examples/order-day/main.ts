/**
 * `npm start`: the command line of the order day. The only file of the example
 * that touches the process. Exit codes: 0 done or stopped by the user, 1 a
 * failure or a broken invariant, 2 wrong flags.
 */
import { fileURLToPath } from 'node:url';
import { CommanderError } from 'commander';
import { isTroupeError } from 'troupe/actor';
import { readFlags } from './flags.ts';
import { run } from './run.ts';

/** Ctrl-C ends the process within a second, whatever is under way: what was committed is on disk. */
const STOP_WITHIN_MS = 900;

async function main(): Promise<number> {
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      if (stop.signal.aborted) process.exit(0);
      stop.abort();
      setTimeout(() => process.exit(0), STOP_WITHIN_MS).unref();
    });
  }
  const output = { stdout: process.stdout, stderr: process.stderr };
  try {
    return await run({
      flags: readFlags(process.argv.slice(2), output),
      generatedDay: fileURLToPath(new URL('day.csv', import.meta.url)),
      generatedHistory: fileURLToPath(new URL('history.csv', import.meta.url)),
      env: process.env,
      output,
      stop: stop.signal,
      startedAt: 0,
    });
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    if (stop.signal.aborted) return 0;
    process.stderr.write(`order-day: ${textOf(error)}\n`);
    return 1;
  }
}

function textOf(error: unknown): string {
  if (isTroupeError(error) && error.code !== 'INTERNAL') return error.message;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

process.exitCode = await main();
