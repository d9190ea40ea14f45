/**
 * The instances of the suite, their best known costs and the time each is given.
 * They lie in ../shared/data beside the tree, or in the folder of --dir.
 */
import { existsSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { readInstance } from '../../workers/tasks/routing/read.ts';

export const DATA = join(import.meta.dirname, '../../../shared/data');

export type Family = 'up to 303' | 'up to 1001' | 'Solomon' | 'Homberger';

export interface Case {
  readonly file: string;
  readonly family: Family;
  readonly seconds: number;
  /** Best known distance under the instance's own rounding rule. */
  readonly best: number;
}

/** `short` is the time in the short form, which leaves out instances without one. */
const CASES: readonly (Case & { readonly short?: number })[] = [
  { file: 'cvrplib/X-n101-k25.vrp', family: 'up to 303', seconds: 10, short: 3, best: 27591 },
  { file: 'cvrplib/X-n200-k36.vrp', family: 'up to 303', seconds: 10, best: 58578 },
  { file: 'cvrplib/X-n303-k21.vrp', family: 'up to 303', seconds: 10, short: 3, best: 21736 },
  { file: 'cvrplib/X-n502-k39.vrp', family: 'up to 1001', seconds: 60, short: 6, best: 69226 },
  { file: 'cvrplib/X-n1001-k43.vrp', family: 'up to 1001', seconds: 60, best: 72355 },
  { file: 'vrptw/C101.txt', family: 'Solomon', seconds: 30, best: 828.94 },
  { file: 'vrptw/C204.txt', family: 'Solomon', seconds: 30, best: 590.6 },
  { file: 'vrptw/R101.txt', family: 'Solomon', seconds: 30, short: 3, best: 1642.88 },
  { file: 'vrptw/R201.txt', family: 'Solomon', seconds: 30, best: 1149.68 },
  { file: 'vrptw/RC108.txt', family: 'Solomon', seconds: 30, best: 1117.53 },
  { file: 'vrptw/RC202.txt', family: 'Solomon', seconds: 30, short: 3, best: 1095.64 },
  { file: 'vrptw/R1_10_1.vrp', family: 'Homberger', seconds: 60, best: 53026.1 },
];

export function casesOf(short: boolean): Case[] {
  if (!short) return [...CASES];
  return CASES.flatMap(({ short: seconds, ...one }) =>
    seconds === undefined ? [] : [{ ...one, seconds }],
  );
}

export function nameOf({ file }: Case): string {
  return basename(file).replace(/\.\w+$/, '');
}

export function textOf({ file }: Case): string {
  return readFileSync(join(DATA, file), 'utf8');
}

export function instanceOf(one: Case) {
  return readInstance(basename(one.file), textOf(one)).instance;
}

/** In percent above the best known cost. */
export function gapOf({ best }: Case, cost: number): number {
  return (cost / best - 1) * 100;
}

class MissingData extends Error {
  override readonly name = 'MissingTool';
}

export async function requireData(): Promise<void> {
  const missing = CASES.find(({ file }) => !existsSync(join(DATA, file)));
  if (missing) throw new MissingData(`the instance ${missing.file} is not in ../shared/data`);
}
