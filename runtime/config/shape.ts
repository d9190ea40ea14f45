/**
 * Describes what a part of a resource looks like, once, as a value: reading it
 * gives a typed plain object and tells the reader, with line and field, of
 * everything that does not fit. A field without a value counts as absent.
 */
import { isScalar } from 'yaml';
import { isTroupeError } from '../core/errors.ts';
import { parseDuration } from '../core/schedule.ts';
import { celProblem } from './cel.ts';
import { suggestion } from './nearest.ts';
import type { Field, Reader } from './reader.ts';

/** Undefined when it does not fit, which the reader was told. */
export type Read<T> = (reader: Reader, at: Field) => T | undefined;

type Shape = Readonly<Record<string, Read<unknown>>>;
type Of<R> = R extends Read<infer T> ? T : never;

/** What `object` reads: the named fields for certain, the others when they are there. */
export type Shaped<S extends Shape, Needed extends keyof S> = {
  readonly [K in Needed]: Of<S[K]>;
} & { readonly [K in Exclude<keyof S, Needed>]?: Of<S[K]> };

export const isAbsent = ({ node }: Field): boolean =>
  node === null || (isScalar(node) && node.value === null);

export const text: Read<string> = (reader, at) => reader.text(at);
export const anyText: Read<string> = (reader, at) => reader.anyAsText(at);
export const flag: Read<boolean> = (reader, at) => reader.flag(at);
export const json: Read<unknown> = (reader, at) => reader.json(at);

export const count: Read<number> = (reader, at) => {
  const value = reader.count(at);
  if (value === undefined || value >= 0) return value;
  reader.problem(at, `must not be below 0, and is ${value}`);
  return undefined;
};

export const nonEmpty: Read<string> = (reader, at) => {
  const value = reader.text(at);
  if (value !== '') return value;
  reader.problem(at, 'must not be empty');
  return undefined;
};

/** A mapping with these fields and no others. */
export function object<S extends Shape, Needed extends keyof S & string = never>(
  shape: S,
  needed: readonly Needed[] = [],
): Read<Shaped<S, Needed>> {
  const known = Object.keys(shape);
  return (reader, at) => {
    const fields = reader.fields(at, known);
    if (!fields) return undefined;
    const values: Record<string, unknown> = {};
    let whole = true;
    for (const [name, field] of fields.map) {
      if (isAbsent(field)) continue;
      const value = shape[name]!(reader, field);
      if (value === undefined) whole = false;
      else values[name] = value;
    }
    for (const name of needed) {
      const field = fields.map.get(name);
      if (field && !isAbsent(field)) continue;
      whole = false;
      if (!fields.refused) reader.problem(field ?? at, `${name} is missing`);
    }
    return whole ? (values as Shaped<S, Needed>) : undefined;
  };
}

export function list<T>(item: Read<T>): Read<readonly T[]> {
  return (reader, at) => {
    const values = reader.items(at)?.map((one) => item(reader, one));
    return values?.every((value) => value !== undefined) ? (values as T[]) : undefined;
  };
}

/** A mapping from free names. */
export function record<T>(value: Read<T>): Read<Readonly<Record<string, T>>> {
  return (reader, at) => {
    const pairs = reader.entries(at)?.map(([key, field]) => [key, value(reader, field)] as const);
    return pairs?.every(([, one]) => one !== undefined)
      ? (Object.fromEntries(pairs) as Record<string, T>)
      : undefined;
  };
}

/** One of the words, without regard to case. */
export function word<const W extends string>(...words: readonly W[]): Read<W> {
  return (reader, at) => {
    const given = reader.text(at);
    if (given === undefined) return undefined;
    const found = words.find((one) => one.toLowerCase() === given.toLowerCase());
    if (found === undefined) {
      reader.problem(at, `"${given}" is not one of ${words.join(', ')}${hint(given, words)}`);
    }
    return found;
  };
}

function hint(given: string, words: readonly string[]): string {
  const near = suggestion(given, words);
  return near.startsWith(', did') ? near : '';
}

/** Milliseconds of a Go duration, as `5s`; with `bare`, a number alone is milliseconds. */
export function duration(options: { readonly bare?: boolean } = {}): Read<number> {
  return (reader, at) => {
    const given = reader.text(at);
    if (given === undefined) return undefined;
    const ms = options.bare && /^\d+$/.test(given) ? Number(given) : goDuration(given);
    if (ms >= 0) return ms;
    reader.problem(at, `"${given}" is not a duration; write for example 5s, 1m30s or 500ms`);
    return undefined;
  };
}

/** Milliseconds, or NaN. Days and ISO 8601 are refused, because Dapr does not know them here. */
export function goDuration(given: string): number {
  if (/[dP]/.test(given)) return Number.NaN;
  try {
    return parseDuration(given);
  } catch (error) {
    if (isTroupeError(error)) return Number.NaN;
    throw error;
  }
}

/** A CEL expression, kept as text. */
export const cel: Read<string> = (reader, at) => {
  const given = reader.text(at);
  if (given === undefined) return undefined;
  const wrong = celProblem(given);
  if (wrong === undefined) return given;
  reader.problem(at, `"${given}" is not a CEL expression: ${wrong}`);
  return undefined;
};
