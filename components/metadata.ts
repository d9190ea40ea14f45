/**
 * Reads a component's metadata by the fields that its driver declares: names
 * without regard to case and with their aliases, as Dapr does, and values as
 * durations, booleans and whole numbers. A malformed value is refused with the
 * component and the field named; values are never repeated in messages, since
 * they may be secrets.
 */
import { ComponentError } from '../runtime/core/errors.ts';
import type { ComponentOptions, MetadataField } from './component.ts';

/** Typed access to the metadata of one component; names are those in `fields`. */
export interface MetadataReader {
  text(name: string): string | undefined;
  /** Milliseconds. Accepts Go durations (`1h30m`, `500ms`) and whole seconds (`20`). */
  duration(name: string): number | undefined;
  boolean(name: string): boolean | undefined;
  /** A whole number of at least `least`. */
  count(name: string, least: number): number | undefined;
  /** The error to throw for a value that only the driver can judge. */
  refuse(name: string, problem: string): ComponentError;
}

/** The value of a field under any of its spellings; undefined when it is absent or empty. */
function find(options: ComponentOptions, field: MetadataField): string | undefined {
  const spellings = [field.name, ...(field.aliases ?? [])].map((name) => name.toLowerCase());
  for (const [name, value] of Object.entries(options.metadata)) {
    if (spellings.includes(name.toLowerCase()) && value !== '') return value;
  }
  return undefined;
}

/** @throws ComponentError INVALID_ARGUMENT from the typed accessors when a value is malformed. */
export function readMetadata(
  options: ComponentOptions,
  fields: readonly MetadataField[],
): MetadataReader {
  const refuse = (name: string, problem: string): ComponentError =>
    new ComponentError(options, `metadata field "${name}" ${problem}`, {
      code: 'INVALID_ARGUMENT',
      details: { field: name },
    });
  const text = (name: string): string | undefined => {
    const field = fields.find((candidate) => candidate.name === name);
    if (!field) throw new Error(`the driver of ${options.type} declares no field "${name}"`);
    return find(options, field);
  };
  return {
    text,
    refuse,
    duration(name) {
      const value = text(name);
      if (value === undefined) return undefined;
      const parsed = parseDuration(value);
      if (parsed === undefined)
        throw refuse(name, 'is not a duration; write it like "20s", "500ms" or "1h30m"');
      return parsed;
    },
    boolean(name) {
      const value = text(name)?.trim().toLowerCase();
      if (value === undefined) return undefined;
      if (['true', 't', '1', 'y', 'yes', 'on'].includes(value)) return true;
      if (['false', 'f', '0', 'n', 'no', 'off'].includes(value)) return false;
      throw refuse(name, 'is not a boolean; write "true" or "false"');
    },
    count(name, least) {
      const value = text(name);
      if (value === undefined) return undefined;
      const parsed = Number(value);
      if (!/^\d+$/.test(value.trim()) || !Number.isSafeInteger(parsed) || parsed < least)
        throw refuse(name, `is not a whole number of at least ${least}`);
      return parsed;
    },
  };
}

const UNITS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
};

function parseDuration(value: string): number | undefined {
  const trimmed = value.trim();
  if (/^-?\d+$/.test(trimmed)) return Number(trimmed) * 1_000;
  if (!/^-?(\d+(\.\d+)?(ns|us|µs|ms|s|m|h))+$/.test(trimmed)) return undefined;
  let total = 0;
  for (const [, amount, unit] of trimmed.matchAll(/(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)/g)) {
    total += Number(amount) * (UNITS[unit!] ?? 0);
  }
  return trimmed.startsWith('-') ? -total : total;
}
