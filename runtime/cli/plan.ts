/**
 * `troupe plan`: reads the file, lets workers search, shows how it goes on a
 * terminal, and prints the plan as text or JSON; --picture writes a map.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { planRoutes } from '../../workers/planning.ts';
import { createPool } from '../../workers/pool.ts';
import type { PlanOutput, PlanProgress } from '../../workers/protocol.ts';
import { TroupeError } from '../core/errors.ts';
import type { Surroundings } from './main.ts';
import { drawPlan } from './plan-map.ts';

export interface PlanFlags {
  readonly seconds?: number;
  readonly iterations?: number;
  readonly workers: number;
  readonly seed: number;
  readonly json?: true;
  readonly picture?: string;
}

/** Search time when neither --seconds nor --iterations is given. */
const DEFAULT_SECONDS = 10;

async function read(file: string, cwd: string): Promise<string> {
  try {
    return await readFile(resolve(cwd, file), 'utf8');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const why = code === 'ENOENT' ? 'there is no such file' : message;
    throw new TroupeError('INVALID_ARGUMENT', `cannot read ${file}: ${why}`, { cause: error });
  }
}

async function write(file: string, cwd: string, text: string): Promise<void> {
  try {
    await writeFile(resolve(cwd, file), text);
  } catch (error) {
    const text = `cannot write --picture ${file}: ${(error as Error).message}`;
    throw new TroupeError('INVALID_ARGUMENT', text, { cause: error });
  }
}

function progressLine({ seconds, cost, routes, absent, iterations }: PlanProgress): string {
  const left = absent > 0 ? `, ${absent} customers without a vehicle` : '';
  return `${seconds.toFixed(0)} s: ${figure(cost)} in ${routes} routes${left}, ${iterations} iterations`;
}

function figure(cost: number): string {
  return Number.isInteger(cost) ? String(cost) : cost.toFixed(2);
}

function asText({ instance, cost, routes, seconds, iterations }: PlanOutput): string {
  const lines = routes.map(({ stops }, index) => `Route #${index + 1}: ${stops.join(' ')}`);
  return [
    ...lines,
    `Cost ${figure(cost)}`,
    `${instance}: ${routes.length} routes after ${seconds.toFixed(1)} s and ${iterations} iterations`,
    '',
  ].join('\n');
}

function asJson({ instance, cost, routes, seconds, iterations, ...rest }: PlanOutput): string {
  const { feasible, problems } = rest;
  return `${JSON.stringify({
    instance,
    cost,
    routes: routes.map(({ stops }) => stops),
    seconds,
    iterations,
    feasible,
    ...(feasible ? {} : { problems }),
  })}\n`;
}

/** Resolves to the exit code: 0, or 1 when no feasible plan was found. */
export async function plan(
  file: string,
  flags: PlanFlags,
  { cwd, stdout, stderr, stop }: Surroundings,
): Promise<number> {
  const { seconds, iterations, workers, seed, json, picture } = flags;
  const text = await read(file, cwd);
  await using pool = createPool({ workers });
  const onTerminal = stderr.isTTY === true;
  const output = await planRoutes(
    pool,
    {
      name: basename(file),
      text,
      seed,
      ...(iterations === undefined ? { seconds: seconds ?? DEFAULT_SECONDS } : { iterations }),
      ...(seconds === undefined ? {} : { seconds }),
    },
    {
      workers,
      finish: stop,
      ...(onTerminal
        ? { onProgress: (progress) => stderr.write(`\r\x1b[K${progressLine(progress)}`) }
        : {}),
    },
  );
  if (onTerminal) stderr.write('\r\x1b[K');
  if (picture !== undefined) {
    if (!output.map) {
      const why = `${output.instance} has no coordinates to draw; leave --picture out`;
      throw new TroupeError('INVALID_ARGUMENT', why);
    }
    await write(picture, cwd, drawPlan(output, output.map));
  }
  stdout.write(json ? asJson(output) : asText(output));
  for (const problem of output.problems) stderr.write(`troupe: ${problem}\n`);
  return output.feasible ? 0 : 1;
}
