/** Joins `troupe run` to its process: arguments, environment, signals, exit. */
import { flushCompileCache } from 'node:module';
import { text } from 'node:stream/consumers';
import { styleText } from 'node:util';
import { run } from './run.ts';

/** Runs the flags given and ends the process. A second signal ends everything at once. */
export async function runRunProcess(args: readonly string[]): Promise<void> {
  const stop = new AbortController();
  const kill = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => (stop.signal.aborted ? kill.abort() : stop.abort()));
  }
  // Whoever read the lines may be gone before the apps are.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
  const code = await run(args, {
    cwd: process.cwd(),
    env: process.env,
    stdout: process.stdout,
    stderr: process.stderr,
    stop: stop.signal,
    kill: kill.signal,
    colours: (line) => styleText('blue', line, { stream: process.stdout }),
    readInput: () => text(process.stdin),
  });
  flushCompileCache();
  process.exitCode = code;
  // What was said last may still be on its way into a pipe.
  if (process.stdout.writableLength > 0) process.stdout.once('drain', () => process.exit(code));
  else process.exit(code);
}
