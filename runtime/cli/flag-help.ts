/** Flags of a table as --help lists them, sorted by name. */
import type { FlagTable } from './flag-table.ts';

export function flagRows(
  table: FlagTable,
  letters: Readonly<Record<string, string>> = {},
): string[] {
  return Object.entries(table)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, { kind, fallback }]) => {
      const letter = Object.keys(letters).find((one) => letters[one] === name);
      const short = letter === undefined ? '' : `-${letter}, `;
      const value = kind === 'flag' ? '' : ` <${kind}>`;
      const nothing = Array.isArray(fallback) || fallback === '' || fallback === false;
      const text = nothing
        ? ''
        : ` (default ${kind === 'duration' ? `${String(fallback)}ms` : String(fallback)})`;
      return `  ${short}--${name}${value}${text}`;
    });
}
