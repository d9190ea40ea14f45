/** What `troupe sidecar --help` prints: the table of flags. */
import { flagRows } from './flag-help.ts';
import { SIDECAR_FLAGS } from './sidecar-flags.ts';

export function sidecarHelp(): string {
  return [
    'Usage: troupe sidecar --app-id <id> [flags]',
    '',
    "Serves Dapr's HTTP API beside an app in any language, with daprd's flags.",
    'docs/reference/sidecar.md says what each flag does.',
    '',
    ...flagRows(SIDECAR_FLAGS),
    '',
  ].join('\n');
}
