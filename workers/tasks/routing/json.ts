/**
 * Troupe's own format: depots, fleets and customers as JSON, times and
 * distances in one unit, several depots and fleets, a matrix instead of
 * coordinates where there are roads, and a plan to go on from. What is wrong is
 * named by the line it stands on.
 */
import { LineCounter, parseDocument } from 'yaml';
import type { PlanRoute, Rounding } from '../../protocol.ts';
import { InputError } from './input-error.ts';
import { buildInstance, type Fleet, type Instance, type Node } from './instance.ts';
import type { Source } from './source.ts';

type Path = readonly (string | number)[];
type Fail = (path: Path, what: string) => never;
type Fields = Readonly<Record<string, unknown>>;

const ROUNDINGS: readonly Rounding[] = ['none', 'integer', 'decimal'];
const KEYS = {
  root: ['name', 'rounding', 'depots', 'fleets', 'customers', 'matrix', 'plan'],
  depot: ['id', 'x', 'y', 'open', 'close'],
  fleet: ['name', 'depot', 'vehicles', 'capacity', 'maxTime', 'open', 'close'],
  customer: ['id', 'x', 'y', 'demand', 'service', 'open', 'close'],
  route: ['fleet', 'stops', 'frozen', 'departed'],
};

export function isJson({ lines }: Source): boolean {
  return lines[0]?.text.startsWith('{') === true;
}

/** Only a broken file is parsed a second time, for the line. */
function failIn(name: string, text: string): Fail {
  return (path, what) => {
    const lines = new LineCounter();
    const document = parseDocument(text, { lineCounter: lines });
    let line = 1;
    for (let depth = path.length; depth > 0; depth--) {
      const node = document.getIn(path.slice(0, depth), true) as { range?: [number] } | undefined;
      if (!node?.range) continue;
      line = lines.linePos(node.range[0]).line;
      break;
    }
    throw new InputError(`${name}:${line}: ${what}`);
  };
}

function parse(name: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const message = (error as Error).message;
    const at = /position (\d+)/.exec(message)?.[1];
    const line = text.slice(0, at === undefined ? text.length : Number(at)).split('\n').length;
    throw new InputError(`${name}:${line}: is not JSON: ${message}`, { cause: error });
  }
}

function createReader(fail: Fail) {
  const label = (path: Path) => path.join('.');
  const fields = (value: unknown, path: Path, known: readonly string[]): Fields => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      return fail(path, `${label(path) || 'the file'} is not an object`);
    }
    for (const key of Object.keys(value)) {
      if (known.includes(key)) continue;
      fail([...path, key], `"${key}" is not known here; known: ${known.join(', ')}`);
    }
    return value as Fields;
  };
  const list = (value: unknown, path: Path): readonly unknown[] =>
    Array.isArray(value) ? value : fail(path, `${label(path)} is not a list`);
  const number = (of: Fields, key: string, path: Path, least = -Infinity): number | undefined => {
    const value = of[key];
    if (value === undefined) return undefined;
    if (typeof value === 'number' && Number.isFinite(value) && value >= least) return value;
    const from = least === -Infinity ? '' : ` from ${least}`;
    return fail([...path, key], `${label([...path, key])} is not a number${from}`);
  };
  const id = (value: unknown, path: Path): number | string =>
    typeof value === 'number' || (typeof value === 'string' && value !== '')
      ? value
      : fail(path, `${label(path)} is not a number or a text`);
  return { fields, list, number, id, label };
}

type Reader = ReturnType<typeof createReader>;

function readNode(reader: Reader, fail: Fail, value: unknown, path: Path, known: string[]): Node {
  const of = reader.fields(value, path, known);
  const node: Record<string, number> = {};
  for (const key of known.slice(1)) {
    const least = key === 'demand' || key === 'service' ? 0 : -Infinity;
    const found = reader.number(of, key, path, least);
    if (found !== undefined) node[key] = found;
  }
  const { open = 0, close = Infinity } = node;
  if (close < open) fail([...path, 'close'], `closes at ${close} before it opens at ${open}`);
  return { ...node, id: reader.id(of['id'], [...path, 'id']) };
}

/** The instance and the plan that stands beside it, if any. */
export function readJson(name: string, text: string): { instance: Instance; plan?: PlanRoute[] } {
  const fail = failIn(name, text);
  const reader = createReader(fail);
  const { fields, list, number, id } = reader;
  const root = fields(parse(name, text), [], KEYS.root);
  const nodes = (key: 'depots' | 'customers', known: string[]): Node[] =>
    list(root[key], [key]).map((value, at) => readNode(reader, fail, value, [key, at], known));
  const depots = nodes('depots', KEYS.depot);
  const customers = nodes('customers', KEYS.customer);
  if (depots.length === 0) fail(['depots'], 'there is no depot');
  const seen = new Set<number | string>();
  [...depots, ...customers].forEach((node, at) => {
    const path =
      at < depots.length ? ['depots', at, 'id'] : ['customers', at - depots.length, 'id'];
    if (seen.has(node.id)) fail(path, `the id ${node.id} is already taken`);
    seen.add(node.id);
    if (root['matrix'] !== undefined || (node.x !== undefined && node.y !== undefined)) return;
    fail(path, `${node.id} has no x and y, and there is no matrix`);
  });
  const fleets = list(root['fleets'], ['fleets']).map((value, at): Fleet => {
    const path = ['fleets', at];
    const of = fields(value, path, KEYS.fleet);
    const given = id(of['depot'] ?? depots[0]!.id, [...path, 'depot']);
    const depot = depots.findIndex((one) => one.id === given);
    if (depot === -1) fail([...path, 'depot'], `there is no depot ${given}`);
    const vehicles = number(of, 'vehicles', path, 1) ?? Infinity;
    if (vehicles !== Infinity && !Number.isInteger(vehicles)) {
      fail([...path, 'vehicles'], 'the number of vehicles is not whole');
    }
    return {
      name: of['name'] === undefined ? String(at + 1) : String(id(of['name'], [...path, 'name'])),
      depot,
      vehicles,
      capacity: number(of, 'capacity', path, 0) ?? Infinity,
      maxTime: number(of, 'maxTime', path, 0) ?? Infinity,
      open: number(of, 'open', path) ?? 0,
      close: number(of, 'close', path) ?? Infinity,
    };
  });
  if (fleets.length === 0) fail(['fleets'], 'there is no fleet');
  fleets.forEach((fleet, at) => {
    const first = fleets.findIndex((one) => one.name === fleet.name);
    if (first !== at) fail(['fleets', at], `the fleet name ${fleet.name} is already taken`);
  });
  const rounding = (root['rounding'] ?? 'none') as Rounding;
  if (!ROUNDINGS.includes(rounding)) {
    fail(['rounding'], `rounding is not one of ${ROUNDINGS.join(', ')}`);
  }
  const instance = buildInstance({
    name: root['name'] === undefined ? name : String(id(root['name'], ['name'])),
    rounding,
    depots,
    customers,
    fleets,
    ...(root['matrix'] === undefined
      ? {}
      : { matrix: readRows(reader, fail, root['matrix'], depots.length + customers.length) }),
  });
  if (root['plan'] === undefined) return { instance };
  const plan = list(root['plan'], ['plan']).map((value, at): PlanRoute => {
    const path = ['plan', at];
    const of = fields(value, path, KEYS.route);
    const frozen = number(of, 'frozen', path, 0);
    const departed = number(of, 'departed', path);
    return {
      fleet: String(id(of['fleet'] ?? fleets[0]!.name, [...path, 'fleet'])),
      stops: list(of['stops'], [...path, 'stops']).map((stop, i) =>
        id(stop, [...path, 'stops', i]),
      ),
      ...(frozen === undefined ? {} : { frozen }),
      ...(departed === undefined ? {} : { departed }),
    };
  });
  return { instance, plan };
}

function readRows({ list }: Reader, fail: Fail, value: unknown, size: number): Float64Array {
  const rows = list(value, ['matrix']);
  if (rows.length !== size) {
    fail(['matrix'], `the matrix has ${rows.length} rows for ${size} depots and customers`);
  }
  const matrix = new Float64Array(size * size);
  rows.forEach((row, i) => {
    const cells = list(row, ['matrix', i]);
    if (cells.length !== size) {
      fail(['matrix', i], `row ${i + 1} of the matrix has ${cells.length} of ${size} distances`);
    }
    cells.forEach((cell, j) => {
      if (typeof cell !== 'number' || !Number.isFinite(cell) || cell < 0) {
        fail(['matrix', i, j], `distance ${j + 1} of row ${i + 1} is not a number from 0`);
      }
      matrix[i * size + j] = cell as number;
    });
  });
  return matrix;
}
