/** Joins `troupe sidecar` to its process: arguments, environment, signals, exit. */
import { writeFileSync } from 'node:fs';
import { flushCompileCache } from 'node:module';
import { watchMemory } from '../hosts/idle-memory.ts';
import { sidecar } from './sidecar.ts';

/** By then a start has loaded what it needs; most processes are killed before they could end by themselves. */
const KEEP_COMPILED_AFTER_MS = 2000;

/** Runs the flags given, or those of this process, and ends it. A second signal ends it at once. */
export async function runSidecarProcess(args: readonly string[]): Promise<void> {
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      if (stop.signal.aborted) process.exit(1);
      stop.abort();
    });
  }
  let hangup: (() => void) | undefined;
  process.on('SIGHUP', () => hangup?.());
  // Whoever read the log may be gone before the process is.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
  const env = { ...process.env };
  // The exporters' library reads these by itself, and would add them to what a configuration says.
  for (const name of Object.keys(process.env)) {
    if (name.startsWith('OTEL_')) delete process.env[name];
  }
  takeName();
  setTimeout(flushCompileCache, KEEP_COMPILED_AFTER_MS).unref();
  watchMemory();
  const code = await sidecar(args, {
    env,
    stdout: process.stdout,
    stderr: process.stderr,
    stop: stop.signal,
    onHangup(restart) {
      hangup = restart;
      return () => {
        if (hangup === restart) hangup = undefined;
      };
    },
    exit: (forced) => process.exit(forced),
  });
  process.exitCode = code;
  // What was logged may still be on its way into a pipe.
  if (process.stdout.writableLength > 0) {
    process.stdout.once('drain', () => process.exit(code));
  } else process.exit(code);
}

/** Dapr's command line finds its sidecars by this name; a title would overwrite the arguments it reads then. */
function takeName(): void {
  if (process.platform !== 'linux') return;
  try {
    writeFileSync('/proc/self/comm', 'daprd');
  } catch {
    // Where /proc is read only, the sidecar is not listed, and serves all the same.
  }
}
