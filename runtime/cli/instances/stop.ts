/** `troupe stop`: ends sidecars and their apps by app id, or all that a run file started. */
import { flag, parseFlags, text } from '../flag-table.ts';
import type { Surroundings } from '../main.ts';
import { runFilePath } from '../run/run-file-path.ts';
import { findInstances, type Instance } from './find.ts';
import { TroupeError } from '../../core/errors.ts';

export const STOP_FLAGS = { 'app-id': text(), 'run-file': text(), help: flag() } as const;
export const STOP_LETTERS = { a: 'app-id', f: 'run-file', h: 'help' } as const;

export async function stop(args: readonly string[], surroundings: Surroundings): Promise<number> {
  const { env, stdout, stderr, cwd } = surroundings;
  const { flags, operands } = parseFlags(STOP_FLAGS, args, {
    letters: STOP_LETTERS,
    operands: 'gather',
  });
  const ids = [...operands, ...(flags['app-id'] === '' ? [] : [flags['app-id']])];
  if (ids.length === 0 && flags['run-file'] === '') {
    throw new TroupeError('INVALID_ARGUMENT', 'name an app with --app-id, or a --run-file');
  }
  const listed = (await findInstances(env['DAPR_API_TOKEN'])).map((one) => one.listed);
  if (flags['run-file'] !== '') {
    const path = await runFilePath(flags['run-file'], cwd);
    const clis = new Set(
      listed.filter((one) => one.runTemplatePath === path).map((one) => one.cliPid),
    );
    if (clis.size === 0) {
      stderr.write(
        `❌  Failed to stop Dapr and app processes: couldn't find apps with run file "${path}"\n`,
      );
      return 1;
    }
    for (const pid of clis) end(pid);
    stdout.write('✅  Dapr and app processes stopped successfully\n');
  }
  let code = 0;
  for (const id of ids) {
    const one = listed.find(({ appId }) => appId === id);
    if (one) {
      endOne(one, listed);
      stdout.write(`✅  app stopped successfully: ${id}\n`);
    } else {
      stderr.write(`❌  failed to stop app id ${id}: couldn't find app id ${id}\n`);
      code = 1;
    }
  }
  return code;
}

/** Through the command that runs it, unless that runs others as well. */
function endOne({ cliPid, appPid, daprdPid }: Instance, all: readonly Instance[]): void {
  const together = all.filter((one) => one.cliPid === cliPid).length;
  if (cliPid !== 0 && together === 1) {
    end(cliPid);
    return;
  }
  if (appPid !== 0) end(-appPid);
  end(daprdPid);
}

function end(pid: number): void {
  try {
    process.kill(pid, 'SIGTERM');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
