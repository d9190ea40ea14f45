/** Holds one reading of a file against the table; every breach names file, line and rule. */
import { isBuiltin } from 'node:module';
import { matchesGlob, posix } from 'node:path';
import { BESIDE_TESTS, IO_MODULES, LONGEST, type Room } from './room.ts';
import { ROOMS } from './table.ts';
import { type Import, type Reading, readSource, type Source, type Use } from './read.ts';

export type Rule =
  | 'room'
  | 'import'
  | 'package'
  | 'built-in'
  | 'open import'
  | 'extension'
  | 'pure'
  | 'given time'
  | 'env'
  | 'length'
  | 'default export'
  | 'wildcard export'
  | 'module mock';

export interface Breach {
  readonly file: string;
  readonly line: number;
  readonly rule: Rule;
  readonly message: string;
}

export interface CheckOptions {
  /** Public surfaces of the package: `troupe/actor` -> repository path. */
  readonly surfaces: ReadonlyMap<string, string>;
}

const AMBIENT = [
  'Date.now',
  'new Date()',
  'Math.random',
  'performance.now',
  'setTimeout',
  'setInterval',
  'setImmediate',
  'process',
  'crypto.randomUUID',
  'crypto.getRandomValues',
  'AbortSignal.timeout',
  'fetch',
];
const TIME = ['Date.now', 'new Date()'];
const SURROUNDINGS = ['process.env', 'process.argv', 'process.execArgv'];

function fill(pattern: string, groups: RegExpExecArray): string {
  return pattern.replace(/\$(\d)/g, (_, index: string) => groups[Number(index)] ?? '');
}

interface Place {
  readonly room: Room;
  readonly groups: RegExpExecArray;
}

function placeOf(file: string): Place | undefined {
  for (const room of ROOMS) {
    const groups = room.files.exec(file);
    if (groups) return { room, groups };
  }
  return undefined;
}

/** Repository path that a specifier means, `undefined` for a package or a built-in. */
function targetOf(specifier: string, file: string, options: CheckOptions): string | undefined {
  if (specifier.startsWith('.')) return posix.join(posix.dirname(file), specifier);
  return options.surfaces.get(specifier);
}

function packageOf(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}

type Problem = [Rule, string] | undefined;

function checkTarget(target: string, { typeOnly }: Import, place: Place, test: boolean): Problem {
  const { room, groups } = place;
  const there = placeOf(target);
  if (room.own !== false && there?.room === room) return undefined;
  const may = [
    ...room.may,
    ...(typeOnly ? (room.types ?? []) : []),
    ...(test ? BESIDE_TESTS.may : []),
  ];
  if (may.some((pattern) => matchesGlob(target, fill(pattern, groups)))) return undefined;
  const asType = room.types?.some((pattern) => matchesGlob(target, fill(pattern, groups)));
  return [
    'import',
    `imports ${target}, which ${room.room} may import ${asType ? 'only as a type' : 'neither as a value nor as a type'}`,
  ];
}

function checkOutside(specifier: string, { room }: Place, test: boolean): Problem {
  if (isBuiltin(specifier)) {
    if (!specifier.startsWith('node:')) return ['built-in', `imports ${specifier} without node:`];
    const name = specifier.slice('node:'.length);
    const allowed =
      test ||
      room.node === 'any' ||
      (room.node === 'no-io' ? !IO_MODULES.includes(name) : room.node.includes(name));
    return allowed ? undefined : ['built-in', `imports ${specifier}, which ${room.room} may not`];
  }
  const name = packageOf(specifier);
  const allowed =
    room.packages === 'any' ||
    room.packages.includes(name) ||
    (test && (BESIDE_TESTS.packages as readonly string[]).includes(name));
  return allowed
    ? undefined
    : ['package', `imports the package ${name}, which ${room.room} may not`];
}

function checkImport(entry: Import, file: string, place: Place, options: CheckOptions): Problem {
  const test = BESIDE_TESTS.files.test(file);
  const { specifier } = entry;
  if (specifier === undefined) {
    if (test || place.room.openImport) return undefined;
    return ['open import', 'imports a module whose name is not a literal, which nobody can check'];
  }
  const target = targetOf(specifier, file, options);
  if (target === undefined) return checkOutside(specifier, place, test);
  if (specifier.startsWith('.') && !/\.(?:ts|json)$/.test(specifier)) {
    return ['extension', `imports ${specifier} without its .ts`];
  }
  return checkTarget(target, entry, place, test);
}

function isAmong(name: string, names: readonly string[]): boolean {
  return names.some((listed) => name === listed || name.startsWith(`${listed}.`));
}

function checkUse({ name }: Use, file: string, { room }: Place): Problem {
  const test = BESIDE_TESTS.files.test(file);
  if (room.pure && !test && isAmong(name, AMBIENT)) {
    return ['pure', `uses ${name}; ${room.room} gets time, chance and the outside through ports`];
  }
  if (room.givenTime && !test && isAmong(name, TIME)) {
    return ['given time', `uses ${name}; the clock is handed in`];
  }
  if (!room.env && !test && isAmong(name, SURROUNDINGS)) {
    return ['env', `reads ${name}; only runtime/cli and examples do`];
  }
  return undefined;
}

/** Every breach of one reading, in the order of its lines. */
export function checkReading(reading: Reading, options: CheckOptions): Breach[] {
  const { file } = reading;
  const breaches: Breach[] = [];
  const add = (line: number, problem: Problem): void => {
    if (problem) breaches.push({ file, line, rule: problem[0], message: problem[1] });
  };
  const place = placeOf(file);
  if (!place) return [{ file, line: 1, rule: 'room', message: 'stands in no room of the table' }];

  for (const entry of reading.imports) add(entry.line, checkImport(entry, file, place, options));
  for (const use of reading.uses) add(use.line, checkUse(use, file, place));
  for (const line of reading.moduleMocks) add(line, ['module mock', 'mocks a module']);
  for (const line of reading.wildcardExports) {
    add(line, ['wildcard export', 'exports everything of a module; name what is public']);
  }
  if (reading.defaultExport !== undefined && !file.endsWith('.config.ts')) {
    add(reading.defaultExport, ['default export', 'has a default export; name it']);
  }
  const longest = BESIDE_TESTS.files.test(file) ? LONGEST.test : LONGEST.code;
  if (reading.lines > longest) {
    add(longest + 1, ['length', `has ${reading.lines} lines, and ${longest} is the most`]);
  }
  const seen = new Set<string>();
  return breaches
    .toSorted((a, b) => a.line - b.line)
    .filter(({ line, rule, message }) => {
      const key = `${line} ${rule} ${rule === 'pure' || rule === 'env' ? '' : message}`;
      return !seen.has(key) && seen.add(key);
    });
}

export function checkSource(source: Source, options: CheckOptions): Breach[] {
  return checkReading(readSource(source), options);
}
