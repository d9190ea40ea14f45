/** Reads the published files and names the line of whatever is broken. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { checkPlan } from './check.ts';
import { readInstance } from './read.ts';

const data = join(import.meta.dirname, '../../../../shared/data');
const absent = existsSync(data) ? false : 'no ../shared/data';
const open = (file: string) => readFileSync(join(data, file), 'utf8');

const VRP = `NAME : small
TYPE : CVRP
DIMENSION : 4
EDGE_WEIGHT_TYPE : EUC_2D
CAPACITY : 10
NODE_COORD_SECTION
1 0 0
2 3 4
3 0 10
4 1 1
DEMAND_SECTION
1 0
2 4
3 5
4 6
DEPOT_SECTION
 1
 -1
EOF
`;

const TXT = `T1

VEHICLE
NUMBER     CAPACITY
  2         50

CUSTOMER
CUST NO.  XCOORD.   YCOORD.    DEMAND   READY TIME  DUE DATE   SERVICE   TIME

    0      0          0         0          0       100          0
    1      3          4        10         10        20          5
    2      6          8        10          0        90          5
`;

const JSON_TEXT = `{
  "name": "two depots",
  "depots": [
    { "id": "north", "x": 0, "y": 10 },
    { "id": "south", "x": 0, "y": 0 }
  ],
  "fleets": [
    { "name": "vans", "depot": "south", "vehicles": 2, "capacity": 10, "maxTime": 40 },
    { "name": "bikes", "depot": "north", "vehicles": 3, "capacity": 3 }
  ],
  "customers": [
    { "id": 7, "x": 1, "y": 1, "demand": 2, "open": 5, "close": 30, "service": 2 },
    { "id": "b", "x": 1, "y": 9, "demand": 1 }
  ],
  "plan": [{ "fleet": "bikes", "stops": ["b"], "frozen": 1, "departed": 3 }]
}
`;

describe('reading an instance', () => {
  it('rounds the distances of CVRPLIB to the nearest whole number', () => {
    const { instance } = readInstance('small.vrp', VRP);
    expect(instance).toMatchObject({ name: 'small', rounding: 'integer', ids: [1, 2, 3, 4] });
    expect(Array.from(instance.distance.subarray(0, 4))).toEqual([0, 5, 10, 1]);
    expect(instance.fleets[0]).toMatchObject({ capacity: 10, vehicles: Infinity });
  });

  it('puts a depot first that the file has elsewhere', () => {
    const { instance } = readInstance('small.vrp', VRP.replace(' 1\n -1', ' 3\n -1'));
    expect(instance.ids).toEqual([3, 1, 2, 4]);
    expect(Array.from(instance.demand)).toEqual([0, 0, 4, 6]);
  });

  it('keeps the distances of Solomon in double precision, with windows and vehicles', () => {
    const { instance } = readInstance('t1.txt', TXT.replace('3          4', '1          1'));
    expect(instance.distance[1]).toBe(Math.SQRT2);
    expect(instance).toMatchObject({ name: 'T1', rounding: 'none', ids: [0, 1, 2], timed: true });
    expect(instance.fleets[0]).toMatchObject({ vehicles: 2, capacity: 50, close: 100 });
    expect(Array.from(instance.service)).toEqual([0, 5, 5]);
  });

  it.each([
    ['FULL_MATRIX', '0 1 2 3\n1 0 4 5\n2 4 0 6\n3 5 6 0'],
    ['LOWER_ROW', '1\n2 4\n3 5 6'],
    ['LOWER_DIAG_ROW', '0 1 0 2 4 0\n3 5 6 0'],
    ['UPPER_ROW', '1 2 3\n4 5\n6'],
    ['UPPER_DIAG_ROW', '0 1 2 3 0 4 5 0 6 0'],
  ])('reads explicit distances as %s', (format, rows) => {
    const { instance } = readInstance(
      'small.vrp',
      VRP.replace('EUC_2D', `EXPLICIT\nEDGE_WEIGHT_FORMAT : ${format}`).replace(
        /NODE_COORD[^D]*D/,
        `EDGE_WEIGHT_SECTION\n${rows}\nD`,
      ),
    );
    expect(Array.from(instance.distance)).toEqual([0, 1, 2, 3, 1, 0, 4, 5, 2, 4, 0, 6, 3, 5, 6, 0]);
  });

  it('reads depots, fleets and a plan from JSON', () => {
    const { instance, plan } = readInstance('two.json', JSON_TEXT);
    expect(instance).toMatchObject({ depots: 2, ids: ['north', 'south', 7, 'b'], limited: true });
    expect(instance.fleets.map(({ name, depot }) => [name, depot])).toEqual([
      ['vans', 1],
      ['bikes', 0],
    ]);
    expect(plan).toEqual([{ fleet: 'bikes', stops: ['b'], frozen: 1, departed: 3 }]);
  });

  it.each([
    ['a missing section', VRP.replace(/DEMAND_SECTION[^D]*/, ''), 'small:14: there is no DEMAND'],
    ['a coordinate that is no number', VRP.replace('3 4', '3 x'), 'small:8: y coordinate is "x"'],
    ['a node twice', VRP.replace('3 0 10', '2 0 10'), 'small:9: node 2 stands in NODE_COORD'],
    [
      'a missing demand',
      VRP.replace('4 6\n', ''),
      'small:14: DEMAND_SECTION has no line for node 4',
    ],
    ['a demand below 0', VRP.replace('2 4\n3 5', '2 -4\n3 5'), 'small:13: demand is below 0'],
    ['an unknown header', VRP.replace('NAME', 'NAM'), 'small:1: "NAM : small" is not a known'],
    ['no capacity', VRP.replace(/CAPACITY.*\n/, ''), 'small:18: there is no CAPACITY'],
    ['a second depot', VRP.replace(' 1\n -1', ' 1\n 2\n -1'), 'small:18: has a second depot'],
    ['other distances', VRP.replace('EUC_2D', 'GEO'), 'small:4: EDGE_WEIGHT_TYPE GEO'],
    ['a short customer', TXT.replace(/5\n {4}2/, '\n    2'), 'small:11: service time is missing'],
    ['a turned window', TXT.replace('10        20', '30        20'), 'small:11: due date 20 is'],
    [
      'a customer twice',
      TXT.replace('    2 ', '    1 '),
      'small:12: customer 1 is also on line 11',
    ],
    ['broken JSON', JSON_TEXT.replace('"south",', '"south"'), 'small:5: is not JSON'],
    ['an unknown field', JSON_TEXT.replace('"service"', '"servise"'), 'small:12: "servise" is not'],
    [
      'an unknown depot',
      JSON_TEXT.replace('"north", "v', '"n", "v'),
      'small:9: there is no depot n',
    ],
    [
      'a text for a number',
      JSON_TEXT.replace('"close": 30', '"close": "30"'),
      'small:12: customers',
    ],
    ['no known format', 'hello\nworld\n', 'small:1: is neither CVRPLIB'],
    ['an empty file', '', 'small:1: is neither CVRPLIB'],
  ])('names the line of %s', (_what, text, message) => {
    expect(() => readInstance('small', text)).toThrow(message);
  });
});

describe.skipIf(absent)('best known solutions of ../shared/data', () => {
  it.each([
    'cvrplib/X-n101-k25',
    'cvrplib/X-n200-k36',
    'cvrplib/X-n303-k21',
    'cvrplib/X-n502-k39',
    'cvrplib/X-n1001-k43',
    'vrptw/R1_10_1',
  ])('the checker finds %s feasible at its published cost', (name) => {
    const { instance } = readInstance(name, open(`${name}.vrp`));
    const solution = open(`${name}.sol`);
    const routes = Array.from(solution.matchAll(/^Route #\d+:(.*)$/gm), ([, stops]) => ({
      fleet: 'all',
      // A .sol file counts customers from 1, the .vrp file from 2 behind its depot.
      stops: stops!
        .trim()
        .split(/\s+/)
        .map((stop) => Number(stop) + 1),
    }));
    const published = Number(/^Cost (\S+)/m.exec(solution)![1]);
    expect(checkPlan(instance, routes)).toEqual({ feasible: true, cost: published, problems: [] });
  });
});
