/** What `troupe run --help` prints: the table of flags. */
import { flagRows } from '../flag-help.ts';
import { RUN_FLAGS, RUN_LETTERS } from './flags.ts';

export function runHelp(): string {
  return [
    'Usage: troupe run --app-id <id> [flags] -- <command of the app>',
    '       troupe run --run-file <dapr.yaml or its folder>',
    '',
    "Runs an app beside a sidecar with Dapr's APIs, as dapr run does, without Docker or init.",
    'docs/reference/run.md says what each flag does.',
    '',
    ...flagRows(RUN_FLAGS, RUN_LETTERS),
    '',
  ].join('\n');
}
