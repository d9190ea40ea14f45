/**
 * What a benchmark is made of: a suite is a list of questions; a question is a
 * list of contenders that run in turn, each in a process of its own, and the
 * aims that one of them is held to.
 */
import type { Measurement } from './measure.ts';

/** Sizes of a run; the short form shows that everything works and is not to be quoted. */
export interface Scale {
  readonly short: boolean;
  readonly rounds: number;
  /** Length of one measured phase, in milliseconds. */
  readonly ms: number;
  readonly warmUpMs: number;
  /** Folder on the disk that durable contenders write to. */
  readonly dir: string;
}

/** Parameters of a contender; they cross to the child as JSON. */
export type Params = Readonly<Record<string, number | string>>;

/** Measures itself, inside its child process. */
export type Measure = (params: Params, scale: Scale) => Promise<Measurement>;

export interface Contender {
  /** As printed. */
  readonly name: string;
  /** Key in the `contenders` export of the question's module. */
  readonly run: string;
  readonly params?: Params;
}

/** All rounds of a contender. */
export interface Result {
  readonly contender: string;
  readonly rounds: readonly Measurement[];
}

export interface Aim {
  readonly what: string;
  readonly unit: string;
  /** Absent: the figure is reported without an aim. */
  readonly aim?: number;
  readonly better: 'higher' | 'lower';
  readonly measured: number;
  /** A sentence for the figure's line. */
  readonly note?: string;
}

export interface Answer {
  readonly results: readonly Result[];
  readonly aims: readonly Aim[];
  /** Printed instead of a table of the results. */
  readonly table?: string;
  /** More for the JSON report. */
  readonly data?: unknown;
  /** Lines printed below the table. */
  readonly notes?: readonly string[];
  /** What other programs took of the machine meanwhile, from 0 to 1; the runner adds it. */
  readonly otherWork?: number;
}

export interface Question {
  readonly name: string;
  readonly title: string;
  /** Refuses to start, with what to do, when something outside Node is missing. */
  readonly check?: () => Promise<void>;
  /** Runs every contender `scale.rounds` times, interleaved. `progress` is told each step. */
  ask(scale: Scale, progress: (step: string) => void): Promise<Answer>;
}

export interface Suite {
  readonly title: string;
  /** Rounds, or seeds, of the full form. Default 3. */
  readonly rounds?: number;
  readonly questions: readonly Question[];
}

export function resultOf(results: readonly Result[], of: string): Result {
  const result = results.find(({ contender }) => contender === of);
  if (!result) throw new Error(`no contender "${of}"`);
  return result;
}

export function rateOf({ ops, seconds }: Measurement): number {
  return ops / seconds;
}
