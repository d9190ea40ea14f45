/**
 * Reads YAML nodes into plain values and keeps, for everything it refuses, the
 * file, line, column and field. It knows YAML as Dapr reads it (version 1.1
 * without dates and base 60) and no resource kind.
 */
import { isAlias, isMap, isScalar, isSeq } from 'yaml';
import type { Document, Node, ParsedNode } from 'yaml';
import { suggestion } from './nearest.ts';
import { hasContent, parseYaml } from './yaml-text.ts';

/** A text to parse; `path` only names it in messages. */
export interface ResourceFile {
  readonly path: string;
  readonly text: string;
}

export interface Problem {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** From 1. */
  readonly column: number;
  /** For example `spec.metadata[2].value`; empty when the text is not YAML. */
  readonly field: string;
  readonly message: string;
  /** In daprd's words, where programs wait for them. */
  readonly daprd?: string;
}

/** A node and where it stands; `node` is null when the field is there without a value. */
export interface Field {
  readonly path: string;
  readonly node: Node | null;
  readonly offset: number;
}

export interface Reader {
  readonly root: Field;
  readonly line: (field: Field) => number;
  /** From 1. */
  readonly column: (field: Field) => number;
  readonly problem: (at: Field, message: string) => void;
  /** True while no problem of this document was reported. */
  readonly sound: () => boolean;
  /** The fields of a mapping by name. Names not in `known` become problems, or are passed over when `unknown` says so. */
  readonly fields: (
    at: Field,
    known: readonly string[],
    unknown?: 'ignore unknown',
  ) => Fields | undefined;
  readonly items: (at: Field) => Field[] | undefined;
  /** Text, or a number as text. */
  readonly text: (at: Field) => string | undefined;
  readonly flag: (at: Field) => boolean | undefined;
  /** A whole number. */
  readonly count: (at: Field) => number | undefined;
  /** The entries of a mapping whose keys are free. */
  readonly entries: (at: Field) => [key: string, value: Field][] | undefined;
  /** Any value as JSON has it. */
  readonly json: (at: Field) => unknown;
  /** Any value as Dapr makes text of it. */
  readonly anyAsText: (at: Field) => string | undefined;
}

export interface Fields {
  readonly map: ReadonlyMap<string, Field>;
  /** True when a name was refused: a missing one is then probably that one. */
  readonly refused: boolean;
}

/**
 * One reader for each document of the file that has content and is YAML.
 * `unknownFields` says whether a field that no kind has is a problem; with
 * `warn` it is passed over, and names are read without regard to case, both as
 * Dapr does it.
 */
export function readDocuments(
  file: ResourceFile,
  problems: Problem[],
  warnings: Problem[],
  unknownFields: 'refuse' | 'warn' = 'refuse',
): Reader[] {
  const { lines, documents } = parseYaml(file.text, unknownFields === 'warn');
  const readers: Reader[] = [];
  const place = (offset: number, field: string, message: string): Problem => {
    const { line, col } = lines.linePos(offset);
    return { file: file.path, line: Math.max(line, 1), column: Math.max(col, 1), field, message };
  };
  for (const document of documents) {
    for (const error of document.errors) {
      problems.push(place(error.pos[0], '', `not YAML: ${error.message}`));
    }
    for (const warning of document.warnings) {
      warnings.push(place(warning.pos[0], '', warning.message));
    }
    if (document.errors.length > 0 || !hasContent(document)) continue;
    readers.push(
      createReader(
        document,
        (at, message) => problems.push(place(at.offset, at.path, message)),
        (offset) => lines.linePos(offset),
        unknownFields === 'warn'
          ? (at, message) => warnings.push(place(at.offset, at.path, message))
          : undefined,
      ),
    );
  }
  return readers;
}

/** As Dapr reads names: without regard to case, where one is not there as written. */
function spelled(name: string, known: readonly string[]): string {
  if (known.includes(name)) return name;
  const lower = name.toLowerCase();
  return known.find((one) => one.toLowerCase() === lower) ?? name;
}

const offsetOf = (node: unknown, fallback: number): number =>
  (node as ParsedNode | null)?.range?.[0] ?? fallback;

function describe(node: Node | null): string {
  if (isMap(node)) return 'a mapping';
  if (isSeq(node)) return 'a list';
  const value = isScalar(node) ? node.value : null;
  if (value === null || value === undefined) return 'nothing';
  if (typeof value === 'bigint') return `the number ${value}`;
  if (typeof value === 'number' || typeof value === 'boolean')
    return `the ${typeof value} ${String(value)}`;
  return 'text';
}

function createReader(
  document: Document.Parsed,
  onProblem: (at: Field, message: string) => void,
  placeOf: (offset: number) => { line: number; col: number },
  /** Takes what is passed over; absent, it is a problem. */
  warn: ((at: Field, message: string) => void) | undefined,
): Reader {
  const resolved = (node: unknown): Node | null =>
    isAlias(node) ? (node.resolve(document) ?? null) : ((node as Node | null | undefined) ?? null);

  const child = (at: Field, path: string, node: unknown, fallback: number): Field => ({
    path: at.path === '' ? path.replace(/^\./, '') : at.path + path,
    node: resolved(node),
    offset: offsetOf(node, fallback),
  });

  let sound = true;
  const report = (at: Field, message: string): void => {
    sound = false;
    onProblem(at, message);
  };

  const reader: Reader = {
    sound: () => sound,
    root: { path: '', node: resolved(document.contents), offset: offsetOf(document.contents, 0) },
    line: (field) => placeOf(field.offset).line,
    column: (field) => placeOf(field.offset).col,
    problem: report,

    fields(at, known, unknown) {
      if (!isMap(at.node)) {
        report(at, `must be a mapping of ${known.join(', ')}, not ${describe(at.node)}`);
        return undefined;
      }
      const map = new Map<string, Field>();
      let refused = false;
      const take = (node: Node | null, merged: boolean): void => {
        if (isSeq(node)) for (const item of node.items) take(resolved(item), true);
        if (!isMap(node)) return;
        for (const pair of node.items) {
          const key = isScalar(pair.key) ? pair.key : undefined;
          const keyOffset = offsetOf(pair.key, at.offset);
          if (key?.source === '<<') {
            take(resolved(pair.value), true);
            continue;
          }
          const written = String(key?.source ?? key?.value ?? pair.key);
          const name = warn ? spelled(written, known) : written;
          if (!known.includes(name)) {
            if (unknown) continue;
            const place = child(at, `.${name}`, pair.key, keyOffset);
            const message = `unknown field${suggestion(name, known)}`;
            if (warn) warn(place, `${message}, ignored`);
            else {
              refused = true;
              report(place, message);
            }
          } else if (!merged || !map.has(name)) {
            if (map.has(name) && !unknown)
              warn?.(child(at, `.${name}`, pair.key, keyOffset), 'given twice, this one counts');
            map.set(name, child(at, `.${name}`, pair.value, keyOffset));
          }
        }
      };
      take(at.node, false);
      return { map, refused };
    },

    items(at) {
      if (isSeq(at.node)) {
        return at.node.items.map((item, index) => child(at, `[${index}]`, item, at.offset));
      }
      if (describe(at.node) === 'nothing') return [];
      report(at, `must be a list (lines that start with "- "), not ${describe(at.node)}`);
      return undefined;
    },

    text(at) {
      const value = isScalar(at.node) ? at.node.value : undefined;
      if (typeof value === 'string') return value;
      if (typeof value === 'number' || typeof value === 'bigint') return String(value);
      report(
        at,
        `must be text, not ${describe(at.node)}${typeof value === 'boolean' ? '; put it in quotes' : ''}`,
      );
      return undefined;
    },

    flag(at) {
      const value = isScalar(at.node) ? at.node.value : undefined;
      if (typeof value === 'boolean') return value;
      report(at, `must be true or false without quotes, not ${describe(at.node)}`);
      return undefined;
    },

    count(at) {
      const value = isScalar(at.node) ? at.node.value : undefined;
      if (typeof value === 'bigint' && Number.isSafeInteger(Number(value))) return Number(value);
      report(at, `must be a whole number without quotes, not ${describe(at.node)}`);
      return undefined;
    },

    entries(at) {
      if (describe(at.node) === 'nothing') return [];
      if (!isMap(at.node)) {
        report(at, `must be a mapping, not ${describe(at.node)}`);
        return undefined;
      }
      return at.node.items.map((pair) => {
        const key = isScalar(pair.key) ? String(pair.key.value) : String(pair.key);
        return [key, child(at, `.${key}`, pair.value, offsetOf(pair.key, at.offset))];
      });
    },

    json(at) {
      if (at.node === null) return null;
      const value: unknown = at.node.toJS(document);
      return value === undefined ? null : JSON.parse(JSON.stringify(value, plain));
    },

    anyAsText(at) {
      if (at.node === null) return '';
      const value: unknown = at.node.toJS(document);
      if (value === null || value === undefined) return '';
      if (typeof value === 'string') return value;
      if (typeof value === 'number' && !Number.isFinite(value)) {
        report(
          at,
          `the number ${String(value)} has no text that Dapr would give it; put it in quotes`,
        );
        return undefined;
      }
      return typeof value === 'bigint' ? String(value) : JSON.stringify(value, plain);
    },
  };
  return reader;
}

/** JSON keeps integers exact up to 2^53 here; beyond it they are written as text. */
function plain(_key: string, value: unknown): unknown {
  if (typeof value !== 'bigint') return value;
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : String(value);
}
