/**
 * `npm run bench -- <suite>`: from names to suites, and from a suite's answers
 * to a report. What is measured is in the suites; how is in harness/.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname } from 'node:path';
import { parseArgs } from 'node:util';
import { describeMachine, load, syncsForNothing, watchOthers } from './harness/machine.ts';
import type { Aim, Answer, Scale, Suite } from './harness/question.ts';
import { aimTable, isMet, resultTable } from './harness/report.ts';

const SUITES: Readonly<Record<string, () => Promise<{ suite: Suite }>>> = {
  actors: () => import('./actors/index.ts'),
  failover: () => import('./failover/index.ts'),
  components: () => import('./components/index.ts'),
  edge: () => import('./edge/index.ts'),
  inference: () => import('./inference/index.ts'),
  routing: () => import('./routing/index.ts'),
  runtimes: () => import('./runtimes/index.ts'),
  sidecar: () => import('./sidecar/index.ts'),
};

const USAGE = `usage: npm run bench -- <suite> [options]

suites: ${Object.keys(SUITES).join(', ')}

  --short          small sizes and one round: shows that all works, gives no figures to quote;
                   also --quick
  --only NAMES     only these questions of the suite, divided by commas
  --rounds N       rounds of every contender, interleaved, or seeds; default 3, for routing 5
  --dir DIR        where durable contenders keep their files; default ${tmpdir()}
  --json FILE      write every round and the summary as JSON`;

class UsageError extends Error {}

function readOptions(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        short: { type: 'boolean', default: false },
        quick: { type: 'boolean', default: false },
        only: { type: 'string' },
        rounds: { type: 'string' },
        dir: { type: 'string', default: tmpdir() },
        json: { type: 'string' },
        help: { type: 'boolean', default: false },
      },
    });
  } catch (error) {
    throw new UsageError((error as Error).message, { cause: error });
  }
}

function scaleOf(short: boolean, rounds: string | number, dir: string): Scale {
  const count = Number(rounds);
  if (!Number.isInteger(count) || count < 1)
    throw new UsageError(`--rounds ${rounds} must be a whole number from 1`);
  return { short, rounds: count, dir, ms: short ? 300 : 3000, warmUpMs: short ? 100 : 1000 };
}

function chosen(suite: Suite, only: string | undefined): Suite['questions'] {
  if (only === undefined) return suite.questions;
  return only.split(',').map((name) => {
    const question = suite.questions.find((one) => one.name === name);
    if (question) return question;
    const known = suite.questions.map((one) => one.name).join(', ');
    throw new UsageError(`there is no question "${name}"; known: ${known}`);
  });
}

async function main(argv: readonly string[]): Promise<void> {
  const { values, positionals } = readOptions(argv);
  if (values.help) {
    console.log(USAGE);
    return;
  }
  const [name = '', ...more] = positionals;
  const open = SUITES[name];
  if (!open || more.length > 0)
    throw new UsageError(
      open ? `one suite a run, not also ${more.join(' ')}` : `there is no suite "${name}"`,
    );
  const { suite } = await open();
  const short = values.short || values.quick;
  const scale = scaleOf(short, values.rounds ?? (short ? 1 : (suite.rounds ?? 3)), values.dir);
  const questions = chosen(suite, values.only);
  for (const { check } of questions) await check?.();
  const machine = await describeMachine(scale.dir);
  const before = load();
  console.log(`${suite.title}${scale.short ? ' (short form: figures not to be quoted)' : ''}`);
  console.log(
    `${machine.cpu}, ${machine.cores} cores, ${machine.memoryGb} GB, ${machine.system}, Node ${machine.node}, SQLite ${machine.sqlite}, ${machine.disk}`,
  );
  console.log(
    `commit ${machine.commit}${machine.dirty ? ' with changes' : ''}, ${machine.startedAt}, load ${before}`,
  );
  if (syncsForNothing(machine.disk))
    console.log(`${scale.dir} is on ${machine.disk}, where a sync costs nothing: use --dir`);

  const progress = (step: string): void => {
    if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${step}`);
  };
  const answers: Record<string, Answer> = {};
  const aims: Aim[] = [];
  for (const question of questions) {
    const others = watchOthers();
    const answer = await question.ask(scale, (step) => progress(`${question.name}: ${step}`));
    progress('');
    const part = others();
    answers[question.name] = part === undefined ? answer : { ...answer, otherWork: part };
    aims.push(...answer.aims);
    console.log(`\n${question.title}\n\n${answer.table ?? resultTable(answer.results)}`);
    for (const note of answer.notes ?? []) console.log(note);
    if (part !== undefined)
      console.log(`Other programs took ${Math.round(part * 100)} % of the machine meanwhile.`);
  }
  const after = load();
  const over = suite.rounds === undefined ? 'medians of' : 'means of';
  console.log(`\nSummary (${over} ${scale.rounds} rounds; load after the run: ${after})\n`);
  console.log(aimTable(aims));
  if (values.json === undefined) return;
  const report = {
    suite: name,
    scale,
    machine: { ...machine, load: { before, after } },
    answers,
    summary: aims.map((aim) => ({ ...aim, met: isMet(aim) })),
  };
  mkdirSync(dirname(values.json), { recursive: true });
  writeFileSync(values.json, `${JSON.stringify(report, undefined, 2)}\n`);
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  if (error instanceof UsageError) console.error(`${error.message}\n\n${USAGE}`);
  else
    console.error(error instanceof Error && error.name === 'MissingTool' ? error.message : error);
  process.exitCode = error instanceof UsageError ? 2 : 1;
}
