/** Reads a model's `config.yaml`: batching policy, versions, warm-up. Everything is checked. */
import { parse } from 'yaml';
import { TroupeError } from '../../runtime/core/errors.ts';
import type { WarmUp } from './messages.ts';

/** Which versions in the folder are served. */
export type VersionPolicy = 'all' | { readonly latest: number } | readonly string[];

export interface ModelConfig {
  /** Rows of the largest batch; 0: requests run one by one, as they are shaped. Default 0. */
  readonly maxBatchSize: number;
  /** How long a batch that is not full may wait although a thread is free. Default 0. */
  readonly maxDelayMs: number;
  /** Rows that may wait; more are OVERLOADED. Default 10,000. */
  readonly queue: number;
  /** Of requests that name no deadline; absent: none. */
  readonly deadlineMs?: number;
  /** Levels from 1, the most urgent; requests that name none have `default`. Default 1 of 1. */
  readonly priorities: { readonly levels: number; readonly default: number };
  /** Threads that hold a session; absent: all of them. */
  readonly instances?: number;
  /** Default: the latest one. */
  readonly versions: VersionPolicy;
  /** What happens to a request with NaN or an infinity in it. Default `refuse`. */
  readonly nonFinite: 'refuse' | 'pass';
  /** Default: zeros, one row and a full batch. */
  readonly warmUp: readonly WarmUp[];
}

const FIELDS = [
  'maxBatchSize',
  'maxDelayMs',
  'queue',
  'deadlineMs',
  'priorities',
  'instances',
  'versions',
  'nonFinite',
  'warmUp',
] as const;

/** Rows that may wait for one model. */
const DEFAULT_QUEUE = 10_000;
const LARGEST_BATCH = 65_536;

type Raw = Readonly<Record<string, unknown>>;

/**
 * `file` only names the config in messages.
 *
 * @throws TroupeError INVALID_ARGUMENT that names file and field.
 */
export function readModelConfig(text: string, file: string): ModelConfig {
  const bad = (field: string, what: string): TroupeError =>
    new TroupeError('INVALID_ARGUMENT', `${file}: ${field} ${what}`);
  const isMap = (value: unknown): value is Raw =>
    typeof value === 'object' && value !== null && !Array.isArray(value);
  const mapOf = (value: unknown, field: string, known: readonly string[]): Raw => {
    if (!isMap(value)) throw bad(field, 'must be a mapping');
    for (const name of Object.keys(value)) {
      if (!known.includes(name)) {
        throw bad(name, `is not known in ${field}; known: ${known.join(', ')}`);
      }
    }
    return value;
  };
  const whole = <Absent>(
    map: Raw,
    field: string,
    { from, to = Number.MAX_SAFE_INTEGER, or }: { from: number; to?: number; or: Absent },
  ): number | Absent => {
    const value = map[field];
    if (value === undefined) return or;
    if (typeof value === 'number' && Number.isInteger(value) && value >= from && value <= to) {
      return value;
    }
    const range = to === Number.MAX_SAFE_INTEGER ? `from ${from}` : `from ${from} to ${to}`;
    throw bad(field, `must be a whole number ${range}`);
  };

  let raw: Raw;
  try {
    raw = mapOf(parse(text) ?? {}, 'the file', FIELDS);
  } catch (error) {
    if (error instanceof TroupeError) throw error;
    throw new TroupeError('INVALID_ARGUMENT', `${file}: ${(error as Error).message}`);
  }
  const maxBatchSize = whole(raw, 'maxBatchSize', { from: 0, to: LARGEST_BATCH, or: 0 });
  const deadlineMs = whole(raw, 'deadlineMs', { from: 1, or: undefined });
  const instances = whole(raw, 'instances', { from: 1, or: undefined });
  const nonFinite = raw['nonFinite'] ?? 'refuse';
  if (nonFinite !== 'refuse' && nonFinite !== 'pass') throw bad('nonFinite', 'is refuse or pass');
  return {
    maxBatchSize,
    maxDelayMs: whole(raw, 'maxDelayMs', { from: 0, to: 60_000, or: 0 }),
    queue: whole(raw, 'queue', { from: 1, or: DEFAULT_QUEUE }),
    ...(deadlineMs === undefined ? {} : { deadlineMs }),
    priorities: priorities(),
    ...(instances === undefined ? {} : { instances }),
    versions: versions(),
    nonFinite,
    warmUp: warmUp(),
  };

  function priorities(): ModelConfig['priorities'] {
    const map = mapOf(raw['priorities'] ?? {}, 'priorities', ['levels', 'default']);
    const levels = whole(map, 'levels', { from: 1, to: 100, or: 1 });
    return { levels, default: whole(map, 'default', { from: 1, to: levels, or: levels }) };
  }

  function versions(): VersionPolicy {
    const value = raw['versions'] ?? { latest: 1 };
    if (value === 'all') return value;
    if (Array.isArray(value) && value.length > 0) return value.map(String);
    if (!isMap(value)) throw bad('versions', 'is all, a list of versions, or latest: <number>');
    return { latest: whole(mapOf(value, 'versions', ['latest']), 'latest', { from: 1, or: 1 }) };
  }

  function warmUp(): WarmUp[] {
    const value = raw['warmUp'];
    if (value === undefined) {
      const sizes = maxBatchSize > 1 ? [1, maxBatchSize] : [1];
      return sizes.map((rows) => ({ rows, inputs: {} }));
    }
    if (!Array.isArray(value) || value.length === 0) {
      throw bad('warmUp', 'is a list of {rows, inputs}; leave it out for zeros');
    }
    return value.map((item: unknown, at) => {
      const field = `warmUp[${at}]`;
      const map = mapOf(item, field, ['rows', 'inputs']);
      const inputs = map['inputs'] ?? {};
      if (!isMap(inputs)) throw bad(`${field}.inputs`, 'must be a mapping');
      for (const [name, fill] of Object.entries(inputs)) {
        const numbers = Array.isArray(fill) && fill.every((one) => typeof one === 'number');
        if (fill !== 'zero' && fill !== 'random' && !(numbers && fill.length > 0)) {
          throw bad(`${field}.inputs.${name}`, 'is zero, random, or a list of numbers');
        }
      }
      const rows = whole(map, 'rows', { from: 1, to: Math.max(1, maxBatchSize), or: 1 });
      return { rows, inputs: inputs as WarmUp['inputs'] };
    });
  }
}
