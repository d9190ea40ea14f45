/** Results as text: a table for each question, and the summary of aims at the end. */
import { rateOf, type Aim, type Result } from './question.ts';
import { medianOf } from './stats.ts';

/** A whole number with its thousands divided; small ones keep three digits. */
export function figure(value: number): string {
  if (Number.isNaN(value)) return '-';
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString('en-US');
  return String(Number(value.toPrecision(3)));
}

/** Microseconds in the unit that reads best. */
export function duration(us: number): string {
  if (Number.isNaN(us)) return '-';
  return us >= 1000 ? `${figure(us / 1000)} ms` : `${figure(us)} µs`;
}

/** Columns padded to their widest cell: the first to the left, the others to the right. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, at) =>
    Math.max(title.length, ...rows.map((row) => row[at]?.length ?? 0)),
  );
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, at) => (at === 0 ? cell.padEnd(widths[at]!) : cell.padStart(widths[at]!)))
      .join('  ')
      .trimEnd();
  return [line(head), widths.map((width) => '-'.repeat(width)).join('  '), ...rows.map(line)].join(
    '\n',
  );
}

const MB = 2 ** 20;

/** One row a contender: every round's rate, then medians. */
export function resultTable(results: readonly Result[]): string {
  const rows = results.map(({ contender, rounds }) => [
    contender,
    rounds.map((round) => figure(rateOf(round))).join(' '),
    figure(medianOf(rounds, rateOf)),
    duration(medianOf(rounds, ({ p50 }) => p50)),
    duration(medianOf(rounds, ({ p99 }) => p99)),
    duration(medianOf(rounds, ({ cpuMs, ops }) => (cpuMs * 1000) / ops)),
    `${figure(medianOf(rounds, ({ cpuMs, seconds }) => cpuMs / seconds / 10))} %`,
    figure(medianOf(rounds, ({ rss }) => rss / MB)),
    figure(medianOf(rounds, ({ heap }) => heap / MB)),
  ]);
  const head = ['', 'rounds, a second', 'median/s', 'p50', 'p99', 'CPU an op', 'CPU'];
  return table([...head, 'rss MB', 'heap MB'], rows);
}

export function isMet({ aim, better, measured }: Aim): boolean | undefined {
  if (aim === undefined) return undefined;
  return better === 'higher' ? measured >= aim : measured <= aim;
}

export function aimTable(aims: readonly Aim[]): string {
  const rows = aims.map((aim) => {
    const met = isMet(aim);
    return [
      aim.what,
      aim.aim === undefined
        ? '-'
        : `${aim.better === 'higher' ? '>=' : '<='} ${figure(aim.aim)} ${aim.unit}`,
      `${figure(aim.measured)} ${aim.unit}`,
      met === undefined ? '-' : met ? 'yes' : 'NO',
    ];
  });
  return table(['', 'aim', 'measured', 'met'], rows);
}
