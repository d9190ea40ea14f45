/**
 * The format of CVRPLIB and its relatives (`.vrp`): headers, then sections. A
 * capacitated instance rounds distances to the nearest whole number, one with
 * time windows cuts them after one decimal, as the published costs do.
 */
import { buildInstance, type Instance } from './instance.ts';
import { readMatrix } from './matrix.ts';
import type { Line, Source } from './source.ts';

const HEADERS = [
  'NAME',
  'COMMENT',
  'TYPE',
  'DIMENSION',
  'CAPACITY',
  'VEHICLES',
  'DISTANCE',
  'SERVICE_TIME',
  'EDGE_WEIGHT_TYPE',
  'EDGE_WEIGHT_FORMAT',
  'NODE_COORD_TYPE',
  'DISPLAY_DATA_TYPE',
] as const;
const SECTIONS = [
  'NODE_COORD_SECTION',
  'DEMAND_SECTION',
  'TIME_WINDOW_SECTION',
  'SERVICE_TIME_SECTION',
  'DEPOT_SECTION',
  'EDGE_WEIGHT_SECTION',
] as const;
type Header = (typeof HEADERS)[number];
type Section = (typeof SECTIONS)[number];

interface Parts {
  readonly headers: ReadonlyMap<Header, { line: Line; value: string }>;
  readonly sections: ReadonlyMap<Section, readonly Line[]>;
}

export function isCvrplib({ lines }: Source): boolean {
  return lines.some(({ text }) => /^(?:DIMENSION|NODE_COORD_SECTION)\b/.test(text));
}

function split(source: Source): Parts {
  const headers = new Map<Header, { line: Line; value: string }>();
  const sections = new Map<Section, Line[]>();
  let open: Line[] | undefined;
  for (const line of source.lines) {
    if (/^EOF\b/.test(line.text)) break;
    const word = /^[A-Z_]+/.exec(line.text)?.[0];
    const section = SECTIONS.find((name) => name === word);
    const header = HEADERS.find((name) => name === word);
    if (section) {
      if (sections.has(section)) source.fail(line, `${section} stands here a second time`);
      sections.set(section, (open = []));
    } else if (header) {
      const value = line.text.slice(header.length).replace(/^\s*:?\s*/, '');
      headers.set(header, { line, value });
    } else if (word !== undefined || !open) {
      source.fail(line, `"${line.text.slice(0, 40)}" is not a known header or section`);
    } else open.push(line);
  }
  return { headers, sections };
}

export function readCvrplib(source: Source): Instance {
  const { headers, sections } = split(source);
  const header = (name: Header): number | undefined => {
    const found = headers.get(name);
    if (!found) return undefined;
    const value = Number(found.value);
    if (found.value !== '' && Number.isFinite(value) && value >= 0) return value;
    return source.fail(found.line, `${name} is "${found.value}", not a number from 0`);
  };
  const needed = (name: Header): number =>
    header(name) ?? source.fail(undefined, `there is no ${name}`);

  const size = needed('DIMENSION');
  const capacity = needed('CAPACITY');
  const dimensionLine = headers.get('DIMENSION')!.line;
  if (!Number.isInteger(size) || size < 1) source.fail(dimensionLine, 'DIMENSION is not whole');
  if (capacity <= 0) source.fail(headers.get('CAPACITY')!.line, 'CAPACITY has to be above 0');
  const type = headers.get('TYPE');
  if (type && !['CVRP', 'VRPTW', 'DCVRP'].includes(type.value)) {
    source.fail(type.line, `TYPE ${type.value} is not supported; known: CVRP, DCVRP, VRPTW`);
  }
  const weights = headers.get('EDGE_WEIGHT_TYPE');
  const kind = weights?.value ?? 'EUC_2D';
  if (kind !== 'EUC_2D' && kind !== 'EXPLICIT') {
    source.fail(
      weights!.line,
      `EDGE_WEIGHT_TYPE ${kind} is not supported; known: EUC_2D, EXPLICIT`,
    );
  }

  /** Values of a section by node, each node exactly once. */
  const table = (name: Section, columns: readonly string[]): number[][] | undefined => {
    const lines = sections.get(name);
    if (!lines) return undefined;
    const rows: number[][] = [];
    for (const line of lines) {
      const node = source.whole(line, 0, 'node number', 1);
      if (node > size) source.fail(line, `node ${node} is above DIMENSION ${size}`);
      if (rows[node - 1]) source.fail(line, `node ${node} stands in ${name} a second time`);
      if (line.words.length > columns.length + 1) {
        source.fail(
          line,
          `has ${line.words.length} columns, and ${name} has ${columns.length + 1}`,
        );
      }
      rows[node - 1] = columns.map((what, column) => {
        const value = source.number(line, column + 1, what);
        if (name !== 'NODE_COORD_SECTION' && value < 0) source.fail(line, `${what} is below 0`);
        return value;
      });
      const row = rows[node - 1]!;
      if (name === 'TIME_WINDOW_SECTION' && row[1]! < row[0]!) {
        source.fail(
          line,
          `the window of node ${node} closes at ${row[1]} before it opens at ${row[0]}`,
        );
      }
    }
    for (let node = 1; node <= size; node++) {
      if (!rows[node - 1]) source.fail(lines.at(-1), `${name} has no line for node ${node}`);
    }
    return rows;
  };

  const places = table('NODE_COORD_SECTION', ['x coordinate', 'y coordinate']);
  const demands =
    table('DEMAND_SECTION', ['demand']) ?? source.fail(undefined, 'there is no DEMAND_SECTION');
  const windows = table('TIME_WINDOW_SECTION', ['opening', 'closing']);
  const services = table('SERVICE_TIME_SECTION', ['service time']);
  if (kind === 'EUC_2D' && !places) source.fail(undefined, 'there is no NODE_COORD_SECTION');
  const depot = readDepot(source, sections.get('DEPOT_SECTION'), size);
  const order = [
    depot,
    ...Array.from({ length: size }, (_, at) => at).filter((at) => at !== depot),
  ];
  const service = header('SERVICE_TIME') ?? 0;
  const nodes = order.map((at) => ({
    id: at + 1,
    ...(places ? { x: places[at]![0]!, y: places[at]![1]! } : {}),
    ...(windows ? { open: windows[at]![0]!, close: windows[at]![1]! } : {}),
    demand: at === depot ? 0 : demands[at]![0]!,
    service: at === depot ? 0 : (services?.[at]?.[0] ?? service),
  }));
  const explicit =
    kind === 'EXPLICIT'
      ? readMatrix(
          source,
          headers.get('EDGE_WEIGHT_FORMAT')?.value,
          sections.get('EDGE_WEIGHT_SECTION'),
          order,
        )
      : undefined;
  const vehicles = header('VEHICLES');
  return buildInstance({
    name: headers.get('NAME')?.value || source.name,
    rounding: windows ? 'decimal' : explicit ? 'none' : 'integer',
    depots: nodes.slice(0, 1),
    customers: nodes.slice(1),
    fleets: [
      {
        name: 'all',
        depot: 0,
        vehicles: vehicles ?? Infinity,
        capacity,
        maxTime: header('DISTANCE') ?? Infinity,
        open: 0,
        close: Infinity,
      },
    ],
    ...(explicit ? { matrix: explicit } : {}),
  });
}

function readDepot(source: Source, lines: readonly Line[] | undefined, size: number): number {
  const numbers = (lines ?? []).flatMap((line) =>
    line.words.map((_, column) => ({ line, value: source.number(line, column, 'depot') })),
  );
  const end = numbers.findIndex(({ value }) => value === -1);
  const [first, second] = end === -1 ? numbers : numbers.slice(0, end);
  if (!first) return 0;
  if (second) source.fail(second.line, 'has a second depot; give several depots as JSON');
  if (!Number.isInteger(first.value) || first.value < 1 || first.value > size) {
    source.fail(first.line, `depot ${first.value} is not a node from 1 to ${size}`);
  }
  return first.value - 1;
}
