/** docs/reference/sdks.md from the scenarios; `node test/compat/sdks/table.ts` writes it. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PROGRAMS, SCENARIOS, type Program } from './scenarios.ts';

export const PAGE = join(import.meta.dirname, '../../../docs/reference/sdks.md');

const INTRO = `# Official Dapr SDKs

What the official SDKs do against \`troupe sidecar\`, each as a program of its own that hosts
what it can (topics, methods, actors, bindings, jobs) and calls the rest. The tests in
\`test/compat/sdks\` run every row; \`TROUPE_SDKS_AGAINST=daprd\` runs the same programs against
the official daprd. A number is a note below: what the SDK itself does not have.

Actors, reminders and jobs need no placement and no scheduler. An app that was written with
one of these SDKs needs no change: it finds Troupe by the variables \`DAPR_HTTP_PORT\` and
\`DAPR_GRPC_PORT\` that it reads for daprd.
`;

export function page(): string {
  const names = Object.keys(PROGRAMS) as Program[];
  const notes: string[] = [];
  const cell = (why: string | undefined): string => {
    if (why === undefined) return 'yes';
    if (!notes.includes(why)) notes.push(why);
    return `no (${notes.indexOf(why) + 1})`;
  };
  const rows = SCENARIOS.map(({ does, lacking = {} }) => [
    does,
    ...names.map((name) => cell((lacking as Partial<Record<Program, string>>)[name])),
  ]);
  const head = ['scenario', ...names.map((name) => PROGRAMS[name].title)];
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  const sdks = [...new Set(names.map((name) => PROGRAMS[name].sdk))];
  return [
    INTRO,
    [line(head), `|${'---|'.repeat(head.length)}`, ...rows.map(line)].join('\n'),
    '',
    notes.map((why, index) => `${index + 1}. ${why}`).join('\n'),
    '',
    `Versions: ${sdks.join(', ')}.`,
    '',
  ].join('\n');
}

if (import.meta.main) await writeFile(PAGE, page());
