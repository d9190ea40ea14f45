/** `troupe list`: the sidecars of this machine, as a table, JSON or YAML. */
import { TroupeError } from '../../core/errors.ts';
import { flag, parseFlags, text } from '../flag-table.ts';
import type { Surroundings } from '../main.ts';
import { findInstances, type Instance } from './find.ts';

export const LIST_FLAGS = { output: text('table'), help: flag() } as const;
export const LIST_LETTERS = { o: 'output', h: 'help' } as const;

const COLUMNS: readonly (readonly [string, keyof Instance])[] = [
  ['APP ID', 'appId'],
  ['HTTP PORT', 'httpPort'],
  ['GRPC PORT', 'grpcPort'],
  ['APP PORT', 'appPort'],
  ['COMMAND', 'command'],
  ['AGE', 'age'],
  ['CREATED', 'created'],
  ['DAPRD PID', 'daprdPid'],
  ['CLI PID', 'cliPid'],
  ['APP PID', 'appPid'],
  ['RUN_TEMPLATE_PATH', 'runTemplatePath'],
  ['APP_LOG_PATH', 'appLogPath'],
  ['DAPRD_LOG_PATH', 'daprdLogPath'],
];

export async function list(
  args: readonly string[],
  { env, stdout }: Surroundings,
): Promise<number> {
  const { flags } = parseFlags(LIST_FLAGS, args, { letters: LIST_LETTERS });
  if (!['table', 'json', 'yaml', ''].includes(flags.output)) {
    throw new TroupeError('INVALID_ARGUMENT', 'An invalid output format was specified.');
  }
  const listed = (await findInstances(env['DAPR_API_TOKEN'])).map((one) => one.listed);
  if (flags.output === 'json') stdout.write(`${JSON.stringify(listed, null, 2)}\n`);
  else if (flags.output === 'yaml') {
    const { stringify } = await import('yaml');
    stdout.write(stringify(listed));
  } else stdout.write(listed.length === 0 ? 'No Dapr instances found.\n' : table(listed));
  return 0;
}

function table(instances: readonly Instance[]): string {
  const rows = [
    COLUMNS.map(([title]) => title),
    ...instances.map((one) => COLUMNS.map(([, key]) => String(one[key]))),
  ];
  const widths = COLUMNS.map((_, i) => Math.max(...rows.map((row) => row[i]!.length)));
  return rows
    .map(
      (row) =>
        `${row
          .map((cell, i) => cell.padEnd(widths[i]!))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('');
}
