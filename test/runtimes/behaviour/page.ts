/** docs/reference/runtimes.md, from the behaviours and the rows. */
import type { Limit } from './behaviour.ts';
import { BEHAVIOURS } from './behaviours.ts';
import { ROWS } from './rows.ts';

const INTRO = `# Runtimes side by side

What an actor and its callers see, each line a test that runs on every column: the actors of
one process, called through the API that the column names. \`test/runtimes/behaviour\` has the
tests, \`test/compat/behaviour.test.ts\` runs them on the official daprd 1.18.2 with its placement
and scheduler. A number is a limit, named below with where it comes from, and is tested as such.
This page is made from that list: \`npx vitest run --project runtimes behaviour/page -u\`.
[Guarantees](guarantees.md) has what the runtimes promise, [the runtime dapr](dapr.md) what else is
different there.`;

export function runtimesPage(): string {
  const limits: Limit[] = [];
  const lines = BEHAVIOURS.map(({ topic, says, limit }) => {
    if (limit) limits.push(limit);
    const cells = ROWS.map(({ wire }) =>
      limit?.on.includes(wire) ? String(limits.length) : 'yes',
    );
    return `| ${[topic, says, ...cells].join(' | ')} |`;
  });
  const names = ROWS.map(({ name }) => name);
  return [
    INTRO,
    '',
    `| | | ${names.join(' | ')} |`,
    `|---|---|${names.map(() => '---|').join('')}`,
    ...lines,
    '',
    '## Limits',
    '',
    ...limits.map(({ says, source }, n) => `${n + 1}. ${says}. Source: ${source}.`),
    '',
  ].join('\n');
}
