/** The day at a glance as one HTML page that needs no network: totals, charts, and the invariants that were checked. */
import { formatPence } from '../../actors/money.ts';
import type { Chart } from './charts.ts';
import type { Glance } from './glance.ts';
import { countReasons } from './invoices.ts';
import type { LeftOutRow } from './rows.ts';
import type { Verdict } from './verify.ts';

export function escapeHtml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}

const STYLE = `
:root { color-scheme: light dark; --paper: #fbfaf8; --card: #fff; --ink: #22252a; --muted: #6b7078; --line: #e3e1dc; --good: #2f7d6b; --bad: #c4532d; --money: #3a6ea8; }
@media (prefers-color-scheme: dark) {
  :root { --paper: #16181b; --card: #1f2226; --ink: #e8e6e1; --muted: #9aa0a8; --line: #34383e; --good: #5cb59f; --bad: #e58361; --money: #7fb0e6; }
}
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 1180px; padding: 24px 16px 48px; background: var(--paper); color: var(--ink); font: 16px/1.45 system-ui, sans-serif; }
h1 { margin: 0; font-size: 1.6rem; }
h2 { margin: 0; font-size: 1.1rem; }
p { margin: 2px 0 12px; color: var(--muted); font-size: 0.9rem; }
.totals { display: grid; grid-template-columns: repeat(auto-fit, minmax(165px, 1fr)); gap: 12px; margin: 20px 0; padding: 0; }
.totals div, section { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 14px 16px; }
.totals dt { color: var(--muted); font-size: 0.85rem; }
.totals dd { margin: 0; font-size: 1.25rem; font-variant-numeric: tabular-nums; }
.grid { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 480px), 1fr)); gap: 16px; align-items: start; }
svg { display: block; width: 100%; height: auto; }
.narrow { display: none; }
@media (max-width: 560px) { .wide { display: none; } .narrow { display: block; } }
details { margin-top: 10px; font-size: 0.9rem; }
summary { color: var(--muted); cursor: pointer; }
table { border-collapse: collapse; width: 100%; margin-top: 8px; font-variant-numeric: tabular-nums; }
th, td { padding: 3px 8px 3px 0; border-bottom: 1px solid var(--line); text-align: right; }
th:first-child, td:first-child { text-align: left; overflow-wrap: anywhere; }
ul { list-style: none; margin: 0; padding: 0; }
li { padding: 5px 0; border-bottom: 1px solid var(--line); display: flex; gap: 10px; }
li:last-child { border-bottom: 0; }
li span:last-child { margin-left: auto; color: var(--muted); white-space: nowrap; }
.ok { color: var(--good); font-weight: 600; }
.broken { color: var(--bad); font-weight: 600; }
`;

const number = (value: number): string => value.toLocaleString('en-GB');
const pounds = (pence: number): string =>
  `£${formatPence(pence).replace(/\B(?=(\d{3})+(?!\d))/g, ',')}`;

function totals(glance: Glance): string {
  const entries: [string, string][] = [
    ['Revenue', pounds(glance.revenuePence)],
    ['Refunded', pounds(glance.refundedPence)],
    ['Credit notes', pounds(glance.creditPence)],
    ['Orders', number(glance.orders)],
    ['Confirmed', number(glance.confirmed)],
    ['Rejected', number(glance.rejected)],
    ...(glance.cancelled > 0 ? [['Cancelled', number(glance.cancelled)] as [string, string]] : []),
    ['Returns', number(glance.returns)],
    ['Customers', number(glance.customers)],
    ['Units sold', number(glance.units)],
  ];
  const items = entries.map(([name, value]) => `<div><dt>${name}</dt><dd>${value}</dd></div>`);
  return `<dl class="totals">${items.join('')}</dl>`;
}

function chartSection({ id, title, note, svg, table }: Chart): string {
  const cells = (tag: string, row: readonly string[]): string =>
    `<tr>${row.map((cell) => `<${tag}>${escapeHtml(cell)}</${tag}>`).join('')}</tr>`;
  const drawing = svg
    ? `<div class="wide" aria-hidden="true">${svg.wide}</div><div class="narrow" aria-hidden="true">${svg.narrow}</div>`
    : '<div>None.</div>';
  const figures = `<details${table.open ? ' open' : ''}><summary>${escapeHtml(table.title ?? 'Figures')}</summary><table><thead>${cells('th', table.head)}</thead><tbody>${table.rows.map((row) => cells('td', row)).join('')}</tbody></table></details>`;
  return `<section id="${id}"><h2>${escapeHtml(title)}</h2><p>${escapeHtml(note)}</p>${drawing}${svg ? figures : ''}</section>`;
}

function verdictSection(verdicts: readonly Verdict[]): string {
  const items = verdicts.map(
    ({ name, ok, checked }) =>
      `<li><span class="${ok ? 'ok' : 'broken'}">${ok ? 'holds' : 'broken'}</span><span>${escapeHtml(name)}</span><span>${number(checked)} checked</span></li>`,
  );
  return `<section id="invariants"><h2>Invariants</h2><p>Checked over every order, stock code, payment and return of this state.</p><ul>${items.join('')}</ul></section>`;
}

const LINES_TOLD = 500;

function leftOutSection(leftOut: readonly LeftOutRow[]): string {
  if (leftOut.length === 0) return '';
  const reasons = Object.entries(countReasons(leftOut)).map(
    ([reason, count]) => `<li><span>${escapeHtml(reason)}</span><span>${number(count)}</span></li>`,
  );
  const rows = leftOut
    .slice(0, LINES_TOLD)
    .map(
      ({ file, line, invoice, reason }) =>
        `<tr><td>${escapeHtml(`${file}:${line}`)}</td><td>${escapeHtml(invoice ?? '')}</td><td>${escapeHtml(reason)}</td></tr>`,
    );
  const shown = leftOut.length > LINES_TOLD ? `The first ${number(LINES_TOLD)} lines` : 'Lines';
  return `<section id="left-out"><h2>Lines left out</h2><p>They are part of no order and no return.</p><ul>${reasons.join('')}</ul><details><summary>${shown}</summary><table><thead><tr><th>line</th><th>invoice</th><th>reason</th></tr></thead><tbody>${rows.join('')}</tbody></table></details></section>`;
}

/** The page as text. The same figures give the same bytes. */
export function renderPage(page: {
  readonly glance: Glance;
  readonly charts: readonly Chart[];
  readonly verdicts: readonly Verdict[];
  readonly leftOut: readonly LeftOutRow[];
}): string {
  const { glance, charts, verdicts, leftOut } = page;
  const title = glance.span === '' ? 'Order day' : `Order day ${glance.span}`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title>
<style>${STYLE}</style>
</head>
<body>
<header><h1>${escapeHtml(title)}</h1></header>
<main>
${totals(glance)}
<div class="grid">
${charts.map(chartSection).join('\n')}
${verdictSection(verdicts)}
${leftOutSection(leftOut)}
</div>
</main>
</body>
</html>
`;
}
