/**
 * Flags as Go's programs read them, from a table of rows: one or two dashes,
 * `--flag value` or `--flag=value`, bare booleans, lists by comma and by
 * repetition, and letters for some. It knows no flag of its own.
 */
import { suggestion } from '../config/nearest.ts';
import { TroupeError } from '../core/errors.ts';

export interface FlagRow<K extends string, D> {
  readonly kind: K;
  readonly fallback: D;
  /** daprd takes it and warns; what to use instead. */
  readonly deprecated?: string;
}

export const text = (fallback = '', deprecated?: string): FlagRow<'text', string> => ({
  kind: 'text',
  fallback,
  ...(deprecated === undefined ? {} : { deprecated }),
});
export const flag = (fallback = false, deprecated?: string): FlagRow<'flag', boolean> => ({
  kind: 'flag',
  fallback,
  ...(deprecated === undefined ? {} : { deprecated }),
});
export const whole = (fallback: number, deprecated?: string): FlagRow<'whole', number> => ({
  kind: 'whole',
  fallback,
  ...(deprecated === undefined ? {} : { deprecated }),
});
export const list = (): FlagRow<'list', readonly string[]> => ({ kind: 'list', fallback: [] });
/** A Go duration, in milliseconds. */
export const duration = (fallback: number): FlagRow<'duration', number> => ({
  kind: 'duration',
  fallback,
});
/** A resource quantity such as 4Mi, in bytes. */
export const quantity = (fallback: number): FlagRow<'quantity', number> => ({
  kind: 'quantity',
  fallback,
});

const MI = 1024 * 1024;

type AnyRow = FlagRow<'text' | 'flag' | 'whole' | 'list' | 'duration' | 'quantity', unknown>;

export type FlagTable = Readonly<Record<string, AnyRow>>;

type ValueOf<R> = R extends FlagRow<string, infer D> ? D : never;

export type FlagValues<T extends FlagTable> = { readonly [N in keyof T]: ValueOf<T[N]> };

export interface Parsed<T extends FlagTable> {
  readonly flags: FlagValues<T>;
  /** Flags that were on the command line. */
  readonly given: ReadonlySet<keyof T & string>;
  /** What is right and not advised any more. */
  readonly warnings: readonly string[];
  /** What is no flag. */
  readonly operands: readonly string[];
}

export interface ParseOptions<T extends FlagTable> {
  /** One letter, behind one dash. */
  readonly letters?: Readonly<Record<string, keyof T & string>>;
  /** What is no flag: refused (the default), gathered, or a command that begins there or behind `--`. */
  readonly operands?: 'refuse' | 'gather' | 'command';
}

function wrong(name: string, value: string, why: string): TroupeError {
  return new TroupeError(
    'INVALID_ARGUMENT',
    `invalid argument "${value}" for "--${name}" flag: ${why}`,
  );
}

const TRUE = new Set(['1', 't', 'T', 'TRUE', 'true', 'True']);
const FALSE = new Set(['0', 'f', 'F', 'FALSE', 'false', 'False']);

function booleanOf(name: string, value: string): boolean {
  if (TRUE.has(value)) return true;
  if (FALSE.has(value)) return false;
  throw wrong(name, value, 'write true or false');
}

function wholeOf(name: string, value: string): number {
  if (/^[+-]?\d+$/.test(value) && Number.isSafeInteger(Number(value))) return Number(value);
  throw wrong(name, value, 'write a whole number');
}

const UNITS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};

/** A Go duration such as `1h30m` or `250ms`, in milliseconds. Undefined when it is none. */
export function goDuration(value: string): number | undefined {
  const sign = value.startsWith('-') ? -1 : 1;
  const body = value.replace(/^[+-]/, '');
  if (body === '0') return 0;
  if (!/^(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+$/.test(body)) return undefined;
  let total = 0;
  for (const [, amount, unit] of body.matchAll(/(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)/g)) {
    total += Number(amount) * UNITS[unit!]!;
  }
  return sign * total;
}

const SCALES: Readonly<Record<string, number>> = {
  '': 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  Ki: 1024,
  Mi: MI,
  Gi: 1024 * MI,
  Ti: MI * MI,
  Pi: 1024 * MI * MI,
};

/** Bytes of a resource quantity such as `4Mi`, `10k`, `1e6` or `-1`. Undefined when it is none. */
export function quantityBytes(value: string): number | undefined {
  const match = /^([+-]?(?:\d+\.?\d*|\.\d+))(?:[eE]([+-]?\d+)|(k|M|G|T|P|Ki|Mi|Gi|Ti|Pi)?)$/.exec(
    value,
  );
  if (!match) return undefined;
  const scale = match[2] === undefined ? SCALES[match[3] ?? '']! : 10 ** Number(match[2]);
  const bytes = Number(match[1]) * scale;
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}

function valueOf(name: string, { kind }: AnyRow, value: string, before: unknown): unknown {
  switch (kind) {
    case 'text':
      return value;
    case 'flag':
      return booleanOf(name, value);
    case 'whole':
      return wholeOf(name, value);
    case 'list':
      return [...((before as string[] | undefined) ?? []), ...value.split(',')];
    case 'duration': {
      const ms = goDuration(value);
      if (ms === undefined)
        throw wrong(name, value, 'write a duration such as 500ms, 10s or 1h30m');
      return ms;
    }
    case 'quantity': {
      const bytes = quantityBytes(value);
      if (bytes !== undefined) return bytes;
      throw new TroupeError(
        'INVALID_ARGUMENT',
        `invalid value for '${name}' option: "${value}" is no quantity such as 4Mi or 512Ki`,
      );
    }
  }
}

/** The name of a flag and what is attached to it; undefined when it is no flag. */
function split(
  arg: string,
  table: FlagTable,
  letters: Readonly<Record<string, string>>,
): { name: string; attached?: string | undefined } | undefined {
  const match = /^(--?)([^-=][^=]*)(?:=([^]*))?$/.exec(arg);
  if (!match) return undefined;
  const [, dashes, name = '', attached] = match;
  if (dashes === '-' && !Object.hasOwn(table, name)) {
    const letter = letters[name.charAt(0)];
    if (letter !== undefined) {
      if (name.length === 1) return { name: letter, attached };
      return { name: letter, attached: arg.slice(2) };
    }
  }
  return { name, attached };
}

/** Errors: INVALID_ARGUMENT that names the flag. */
export function parseFlags<T extends FlagTable>(
  table: T,
  args: readonly string[],
  { letters = {}, operands: mode = 'refuse' }: ParseOptions<T> = {},
): Parsed<T> {
  const values: Record<string, unknown> = {};
  const given = new Set<keyof T & string>();
  const warnings: string[] = [];
  const operands: string[] = [];
  for (let i = 0; i < args.length; i++) {
    const arg = args[i]!;
    if (mode !== 'refuse' && arg === '--') {
      operands.push(...args.slice(i + 1));
      break;
    }
    const found = split(arg, table, letters);
    if (!found) {
      if (mode === 'refuse') {
        throw new TroupeError('INVALID_ARGUMENT', `"${arg}" is not a flag; see --help`);
      }
      operands.push(...(mode === 'command' ? args.slice(i) : [arg]));
      if (mode === 'command') break;
      continue;
    }
    const { name, attached } = found;
    if (!Object.hasOwn(table, name)) {
      throw new TroupeError(
        'INVALID_ARGUMENT',
        `unknown flag: --${name}${suggestion(name, Object.keys(table))}`,
      );
    }
    const row: AnyRow = table[name]!;
    let value = attached;
    if (value === undefined && row.kind === 'flag') value = 'true';
    if (value === undefined) {
      value = args[++i];
      if (value === undefined) {
        throw new TroupeError('INVALID_ARGUMENT', `flag needs an argument: --${name}`);
      }
    }
    values[name] = valueOf(name, row, value, values[name]);
    given.add(name);
    if (row.deprecated) {
      warnings.push(`Flag --${name} has been deprecated, ${row.deprecated}`);
    }
  }
  const flags = Object.fromEntries(
    Object.entries(table).map(([name, { fallback }]) => [name, values[name] ?? fallback]),
  ) as FlagValues<T>;
  return { flags, given, warnings, operands };
}
