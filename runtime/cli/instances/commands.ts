/** `troupe list`, `stop`, `invoke` and `publish`: which function each is, its help, and how a failure reads. */
import { isTroupeError } from '../../core/errors.ts';
import { flagRows } from '../flag-help.ts';
import type { FlagTable } from '../flag-table.ts';
import type { Surroundings } from '../main.ts';

interface Loaded {
  readonly run: (args: readonly string[], surroundings: Surroundings) => Promise<number>;
  readonly flags: FlagTable;
  readonly letters: Readonly<Record<string, string>>;
}

export const INSTANCE_COMMANDS = {
  list: {
    about: 'list the sidecars of this machine, of Troupe and of Dapr',
    async load(): Promise<Loaded> {
      const { list, LIST_FLAGS, LIST_LETTERS } = await import('./list.ts');
      return { run: list, flags: LIST_FLAGS, letters: LIST_LETTERS };
    },
  },
  stop: {
    about: 'stop apps and their sidecars, by app id or run file',
    async load(): Promise<Loaded> {
      const { stop, STOP_FLAGS, STOP_LETTERS } = await import('./stop.ts');
      return { run: stop, flags: STOP_FLAGS, letters: STOP_LETTERS };
    },
  },
  invoke: {
    about: 'call a method of an app through its sidecar',
    async load(): Promise<Loaded> {
      const { invoke, INVOKE_FLAGS, INVOKE_LETTERS } = await import('./message.ts');
      return { run: invoke, flags: INVOKE_FLAGS, letters: INVOKE_LETTERS };
    },
  },
  publish: {
    about: 'publish an event through the sidecar of an app',
    async load(): Promise<Loaded> {
      const { publish, PUBLISH_FLAGS, PUBLISH_LETTERS } = await import('./message.ts');
      return { run: publish, flags: PUBLISH_FLAGS, letters: PUBLISH_LETTERS };
    },
  },
} as const;

export type InstanceCommand = keyof typeof INSTANCE_COMMANDS;

/** Runs one command line and resolves to its exit code. */
export async function runInstanceCommand(
  name: InstanceCommand,
  args: readonly string[],
  surroundings: Surroundings,
): Promise<number> {
  const { stdout, stderr } = surroundings;
  const { about, load } = INSTANCE_COMMANDS[name];
  const { run, flags, letters } = await load();
  if (args.some((arg) => arg === '--help' || arg === '-h')) {
    stdout.write(
      `Usage: troupe ${name} [flags]\n\n${about}.\n\n${flagRows(flags, letters).join('\n')}\n`,
    );
    return 0;
  }
  try {
    return await run(args, surroundings);
  } catch (error) {
    const known = isTroupeError(error) && error.code !== 'INTERNAL';
    stderr.write(
      `troupe ${name}: ${known ? error.message : ((error as Error).stack ?? String(error))}\n`,
    );
    return known && error.code === 'INVALID_ARGUMENT' ? 2 : 1;
  }
}

/** Runs the command of this process and ends it. */
export async function runInstanceProcess(
  name: InstanceCommand,
  args: readonly string[],
): Promise<void> {
  process.exitCode = await runInstanceCommand(name, args, {
    cwd: process.cwd(),
    env: process.env,
    stdout: process.stdout,
    stderr: process.stderr,
    stop: new AbortController().signal,
  });
}
