/**
 * What the suite `components` measures: one row for each thing that a driver
 * does, with the driver on one side and its bare client library on the other,
 * asked for the same with the same durability.
 */
import type { Measurement, Operation } from '../harness/measure.ts';
import type { Params, Scale } from '../harness/question.ts';
import type { TestServer } from '../../test/servers/process.ts';

/** One side of a row, opened in the process that is measured. */
export type Side = (address: Address, scale: Scale) => Promise<Opened>;

export interface Address {
  readonly port: number;
  /** Differs from round to round: names of topics, groups and keys are made of it. */
  readonly name: string;
}

/** Either an operation that callers repeat, or a measure of its own. */
export type Opened =
  | { readonly operation: Operation; close(): Promise<void> }
  | { measure(): Promise<Measurement>; close(): Promise<void> };

export interface Row {
  /** `state.redis`. */
  readonly driver: string;
  /** `set`, `get`, `publish`, `deliver`. */
  readonly does: string;
  /** What the bare side asks for. */
  readonly bare: string;
  /** Absent: the row needs no server. */
  readonly server?: () => Promise<TestServer>;
  /** Default 64. */
  readonly callers?: number;
  readonly ours: Side;
  readonly theirs: Side;
}

export const CALLERS = 64;
export const KEYS = 10_000;

/** A value of 200 bytes, as text. */
export const VALUE = JSON.stringify({ text: 'x'.repeat(189) });

/** A key of the set that all callers share. */
export function keyOf(caller: number, turn: number): string {
  return `key-${(caller * 7919 + turn) % KEYS}`;
}

/** Calls `run` with a fresh number each time, counted for each caller. */
export function turns(run: (caller: number, turn: number) => Promise<unknown>): Operation {
  const counts: number[] = [];
  return (caller) => {
    const turn = (counts[caller] ?? 0) + 1;
    counts[caller] = turn;
    return run(caller, turn);
  };
}

export function addressIn(params: Params): Address {
  return { port: Number(params['port']), name: String(params['name']) };
}
