/**
 * The table of docs/reference/components.md that says what each driver can and
 * how its conformance suite ran: a reporter of every test run holds its rows
 * against the suites that just ran, and `npm run docs:components` writes them.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Reporter, TestModule, TestSuite, Vitest } from 'vitest/node';

const PAGE = join(import.meta.dirname, '../docs/reference/components.md');
const DRIVER_TEST = /components\/[\w-]+\/drivers\/[\w-]+\.test\.ts$/;
const HEAD = '| driver | versions | features | suite of its kind |\n|---|---|---|---|\n';
const TABLE = /(\| driver \| versions \|[^\n]*\n\|[-| ]+\|\n)((?:\|[^\n]*\n)*)/;

export interface DriverRow {
  readonly type: string;
  readonly versions: string;
  readonly features: string;
  readonly suite: string;
}

/** The rows of the page; columns are padded by the formatter. */
export function rowsOf(page: string): DriverRow[] {
  const lines = TABLE.exec(page)?.[2]?.trim().split('\n') ?? [];
  return lines.map((line) => {
    const [type = '', versions = '', features = '', suite = ''] = line
      .split('|')
      .slice(1)
      .map((cell) => cell.trim());
    return { type: type.replaceAll('`', ''), versions, features, suite };
  });
}

/** What the section of a driver says of its features; coverage.test.ts compares that with the driver. */
export function featuresOf(page: string, type: string): string {
  const start = page.indexOf(`\n### ${type}\n`);
  const section = page.slice(start + 5).split(/^#{2,3} /m)[0]!;
  return /Features: ([^.;]*)/.exec(section)?.[1]?.replace(/\s+/g, ' ') ?? 'none';
}

/** Counts of one driver's suite, over all the settings that it ran with. */
interface Counts {
  runs: number;
  passed: number;
  failed: number;
  skipped: number;
}

function suiteText({ runs, passed, failed, skipped }: Counts): string {
  return [
    `${passed} passed`,
    ...(failed > 0 ? [`${failed} FAILED`] : []),
    ...(skipped > 0 ? [`${skipped} do not apply`] : []),
    ...(runs > 1 ? [`${runs} settings`] : []),
  ].join(', ');
}

function count(suite: TestSuite, counts: Counts): void {
  counts.runs++;
  for (const test of suite.children.allTests()) {
    const { state } = test.result();
    if (state === 'passed') counts.passed++;
    else if (state === 'skipped') counts.skipped++;
    else counts.failed++;
  }
}

/** By driver type, of the files that ran whole. */
function countsOf(modules: readonly TestModule[]): Map<string, Counts> {
  const found = new Map<string, Counts>();
  for (const module of modules) {
    if (!DRIVER_TEST.test(module.moduleId) || module.state() === 'skipped') continue;
    for (const suite of module.children.suites()) {
      const type = /^(\S+\.\S+) (?:.* )?as (?:a |an )?/.exec(suite.name)?.[1];
      if (type === undefined) continue;
      const counts = found.get(type) ?? { runs: 0, passed: 0, failed: 0, skipped: 0 };
      found.set(type, counts);
      count(suite, counts);
    }
  }
  return found;
}

export class ComponentsTable implements Reporter {
  #isWhole = true;

  onInit(vitest: Vitest): void {
    this.#isWhole = vitest.config.testNamePattern === undefined;
  }

  async onTestRunEnd(
    modules: readonly TestModule[],
    _errors: readonly unknown[],
    reason: string,
  ): Promise<void> {
    const counts = countsOf(modules);
    if (!this.#isWhole || reason === 'interrupted' || counts.size === 0) return;
    const page = readFileSync(PAGE, 'utf8');
    if (process.env['TROUPE_WRITE_TABLE'] === '1') {
      const { componentKinds } = await import('../components/registry.ts');
      const drivers = Object.values(componentKinds).flatMap((kind) => [...kind.drivers]);
      writeFileSync(PAGE, written(page, counts, drivers));
      return;
    }
    const rows = new Map(rowsOf(page).map((row) => [row.type, row.suite]));
    for (const [type, found] of counts) {
      // A suite that failed has said so already.
      if (found.failed > 0 || rows.get(type) === suiteText(found)) continue;
      process.exitCode = 1;
      process.stderr.write(
        `docs/reference/components.md says of ${type} "${rows.get(type) ?? 'nothing'}", its suite "${suiteText(found)}"; run: npm run docs:components\n`,
      );
    }
  }
}

/** The page with a row for each driver; suites that did not run keep what they have. */
function written(
  page: string,
  counts: ReadonlyMap<string, Counts>,
  drivers: readonly { readonly type: string; readonly versions: readonly string[] }[],
): string {
  const before = new Map(rowsOf(page).map((row) => [row.type, row.suite]));
  const rows = drivers.map(({ type, versions }) => {
    const found = counts.get(type);
    const suite = found ? suiteText(found) : (before.get(type) ?? 'not run');
    return `| \`${type}\` | ${versions.join(', ')} | ${featuresOf(page, type)} | ${suite} |\n`;
  });
  return page.replace(TABLE, () => HEAD + rows.join(''));
}
