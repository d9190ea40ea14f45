/** What `troupe sidecar --help` prints: the table of flags. */
import { SIDECAR_FLAGS } from './sidecar-flags.ts';

export function sidecarHelp(): string {
  const rows = Object.entries(SIDECAR_FLAGS).map(([name, row]) => {
    const kind = row.kind === 'flag' ? '' : ` <${row.kind}>`;
    const fallback =
      Array.isArray(row.fallback) || row.fallback === '' || row.fallback === false
        ? ''
        : ` (default ${row.kind === 'duration' ? `${String(row.fallback)}ms` : String(row.fallback)})`;
    return `  --${name}${kind}${fallback}`;
  });
  return [
    'Usage: troupe sidecar --app-id <id> [flags]',
    '',
    "Serves Dapr's HTTP API beside an app in any language, with daprd's flags.",
    'docs/reference/sidecar.md says what each flag does.',
    '',
    ...rows.toSorted(),
    '',
  ].join('\n');
}
