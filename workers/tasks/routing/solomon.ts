/**
 * Solomon's format, also of Gehring and Homberger's files in that layout: name,
 * VEHICLE, CUSTOMER, one line a node, node 0 the depot. Distances in double
 * precision.
 */
import { buildInstance, type Instance, type Node } from './instance.ts';
import type { Line, Source } from './source.ts';

const COLUMNS = [
  'number',
  'x coordinate',
  'y coordinate',
  'demand',
  'ready time',
  'due date',
  'service time',
];

export function isSolomon({ lines }: Source): boolean {
  return lines.slice(0, 4).some(({ text }) => /^VEHICLE$/i.test(text));
}

function readNode(source: Source, line: Line): Node {
  if (line.words.length > COLUMNS.length) {
    source.fail(line, `has ${line.words.length} columns, and a customer has ${COLUMNS.length}`);
  }
  const [, x, y, demand, open, close, service] = COLUMNS.map((what, column) =>
    source.number(line, column, what),
  ) as [number, number, number, number, number, number, number];
  if (demand < 0) source.fail(line, `demand is ${demand}, below 0`);
  if (service < 0) source.fail(line, `service time is ${service}, below 0`);
  if (close < open) source.fail(line, `due date ${close} is before ready time ${open}`);
  return { id: source.whole(line, 0, 'number'), x, y, demand, open, close, service };
}

export function readSolomon(source: Source): Instance {
  const { lines } = source;
  const find = (heading: RegExp, what: string): number => {
    const at = lines.findIndex(({ text }) => heading.test(text));
    return at === -1 ? source.fail(undefined, `there is no ${what} section`) : at;
  };
  const vehicleAt = find(/^VEHICLE$/i, 'VEHICLE');
  const customerAt = find(/^CUSTOMER$/i, 'CUSTOMER');
  const fleetLine = lines[vehicleAt + 2];
  if (!fleetLine || vehicleAt + 2 >= customerAt) {
    return source.fail(fleetLine, 'the number and capacity of the vehicles are missing');
  }
  const vehicles = source.whole(fleetLine, 0, 'number of vehicles', 1);
  const capacity = source.number(fleetLine, 1, 'capacity');
  if (capacity <= 0) source.fail(fleetLine, `capacity is ${capacity}, and has to be above 0`);
  const rows = lines.slice(customerAt + 1).filter(({ text }) => !/^CUST\b/i.test(text));
  const seen = new Map<number | string, number>();
  const nodes = rows.map((line) => {
    const node = readNode(source, line);
    const first = seen.get(node.id);
    if (first !== undefined) source.fail(line, `customer ${node.id} is also on line ${first}`);
    seen.set(node.id, line.number);
    return node;
  });
  const [depot, ...customers] = nodes;
  if (!depot) return source.fail(undefined, 'there is no depot');
  return buildInstance({
    name: lines[0]!.text === lines[vehicleAt]!.text ? source.name : lines[0]!.text,
    rounding: 'none',
    depots: [{ ...depot, demand: 0, service: 0 }],
    customers,
    fleets: [
      { name: 'all', depot: 0, vehicles, capacity, maxTime: Infinity, open: 0, close: Infinity },
    ],
  });
}
