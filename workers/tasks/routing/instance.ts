/**
 * The model of a routing problem that parsers fill and that solver and checker
 * read. Nodes are numbered depots first, then customers. Distances and times
 * are in the instance's own unit times `scale`, so that a rule which cuts after
 * one decimal works on whole numbers; a cost is a sum of distances over `scale`.
 */
import { MOST_NODES, type Rounding } from '../../protocol.ts';
import { InputError } from './input-error.ts';

export interface Fleet {
  readonly name: string;
  /** Node number of the depot its vehicles start from and return to. */
  readonly depot: number;
  /** Most vehicles; `Infinity` where the instance sets no bound. */
  readonly vehicles: number;
  readonly capacity: number;
  /** Longest time from leaving to returning, waiting and service included; `Infinity` for none. */
  readonly maxTime: number;
  readonly open: number;
  readonly close: number;
}

export interface Instance {
  readonly name: string;
  readonly rounding: Rounding;
  readonly scale: number;
  readonly depots: number;
  /** Depots and customers. */
  readonly size: number;
  /** Names of the nodes as in the file. */
  readonly ids: readonly (number | string)[];
  readonly x: Float64Array | undefined;
  readonly y: Float64Array | undefined;
  readonly demand: Float64Array;
  readonly service: Float64Array;
  readonly open: Float64Array;
  readonly close: Float64Array;
  /** Row by row: from `i` to `j` stands at `i * size + j`; also the travel time. */
  readonly distance: Float64Array;
  readonly symmetric: boolean;
  /** True when a time window or a fleet's hours can forbid anything. */
  readonly timed: boolean;
  /** True when a fleet has a maximum route time. */
  readonly limited: boolean;
  readonly fleets: readonly Fleet[];
}

export interface Node {
  readonly id: number | string;
  readonly x?: number;
  readonly y?: number;
  readonly demand?: number;
  readonly service?: number;
  readonly open?: number;
  readonly close?: number;
}

export interface Draft {
  readonly name: string;
  readonly rounding: Rounding;
  readonly depots: readonly Node[];
  readonly customers: readonly Node[];
  readonly fleets: readonly Fleet[];
  /** Distances row by row, depots first; absent: from the coordinates. */
  readonly matrix?: Float64Array;
}

const SCALE: Readonly<Record<Rounding, number>> = { none: 1, integer: 1, decimal: 10 };

function rounder(rounding: Rounding): (distance: number) => number {
  switch (rounding) {
    case 'none':
      return (distance) => distance;
    case 'integer':
      return (distance) => Math.floor(distance + 0.5);
    case 'decimal':
      return (distance) => Math.floor(distance * 10);
  }
}

/** Straight-line distances under the instance's rounding rule, already scaled. */
function distances(nodes: readonly Node[], rounding: Rounding): Float64Array {
  const round = rounder(rounding);
  const size = nodes.length;
  const matrix = new Float64Array(size * size);
  nodes.forEach((a, i) => {
    for (let j = i + 1; j < size; j++) {
      const b = nodes[j]!;
      const dx = a.x! - b.x!;
      const dy = a.y! - b.y!;
      const distance = round(Math.sqrt(dx * dx + dy * dy));
      matrix[i * size + j] = distance;
      matrix[j * size + i] = distance;
    }
  });
  return matrix;
}

function isSymmetric(matrix: Float64Array, size: number): boolean {
  for (let i = 0; i < size; i++) {
    for (let j = 0; j < i; j++) {
      if (matrix[i * size + j] !== matrix[j * size + i]) return false;
    }
  }
  return true;
}

/** Fills in defaults, scales and computes distances. Throws `InputError` for too large a draft. */
export function buildInstance(draft: Draft): Instance {
  const nodes = [...draft.depots, ...draft.customers];
  const size = nodes.length;
  if (size > MOST_NODES) {
    throw new InputError(
      `instance "${draft.name}" has ${size} depots and customers, and ${MOST_NODES} is the most; divide it by area first`,
    );
  }
  const scale = SCALE[draft.rounding];
  const column = (value: (node: Node) => number | undefined, factor: number, absent: number) =>
    Float64Array.from(nodes, (node) => {
      const given = value(node);
      return given === undefined ? absent : given * factor;
    });
  const open = column((node) => node.open, scale, 0);
  const close = column((node) => node.close, scale, Infinity);
  const fleets = draft.fleets.map((fleet) => ({
    ...fleet,
    maxTime: fleet.maxTime * scale,
    open: Math.max(fleet.open * scale, open[fleet.depot]!),
    close: Math.min(fleet.close * scale, close[fleet.depot]!),
  }));
  const distance =
    draft.matrix === undefined
      ? distances(nodes, draft.rounding)
      : draft.matrix.map((value) => rounder(draft.rounding)(value));
  const placed = nodes.every(({ x, y }) => x !== undefined && y !== undefined);
  return {
    name: draft.name,
    rounding: draft.rounding,
    scale,
    depots: draft.depots.length,
    size,
    ids: nodes.map(({ id }) => id),
    x: placed ? column((node) => node.x, 1, 0) : undefined,
    y: placed ? column((node) => node.y, 1, 0) : undefined,
    demand: column((node) => node.demand, 1, 0),
    service: column((node) => node.service, scale, 0),
    open,
    close,
    distance,
    symmetric: draft.matrix === undefined || isSymmetric(distance, size),
    timed: close.some(Number.isFinite) || fleets.some((fleet) => Number.isFinite(fleet.close)),
    limited: fleets.some((fleet) => Number.isFinite(fleet.maxTime)),
    fleets,
  };
}
