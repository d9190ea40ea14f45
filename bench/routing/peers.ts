/**
 * The solvers that people use, from PyPI, in versions pinned by requirements.txt
 * and a virtual environment in the user's cache folder. Each gets the instance,
 * the seed and the wall time that Troupe gets, on one thread; VROOM ends by
 * itself and is told to stop where it would take longer than the suite can wait.
 */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { checkPlan } from '../../workers/tasks/routing/check.ts';
import { pythonWith } from '../harness/python.ts';
import { MissingTool } from '../harness/wrk.ts';
import { type Case, instanceOf } from './instances.ts';
import { problemOf } from './problem.ts';

export const PEERS = ['pyvrp', 'ortools', 'vroom'] as const;
export type Peer = (typeof PEERS)[number];

export interface PeerRun {
  /** NaN when it found no plan that keeps every rule. */
  readonly cost: number;
  readonly problem?: string;
  readonly routes: number;
  readonly seconds: number;
  readonly version: string;
}

interface Printed {
  readonly version: string;
  readonly seconds: number;
  readonly routes: readonly (readonly number[])[];
}

const REQUIREMENTS = join(import.meta.dirname, 'requirements.txt');
/** Longest that VROOM may take, in seconds. */
export function vroomMost(short: boolean): number {
  return short ? 15 : 60;
}

/** Makes the environment unless it is there; takes a minute the first time. */
export async function requirePeers(): Promise<void> {
  try {
    await pythonWith(REQUIREMENTS);
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    const why = code === 'ENOENT' ? 'there is no python3' : message.trim().split('\n').at(-1);
    throw new MissingTool(
      `the peers of bench/routing/requirements.txt cannot be installed: ${why}; they need Python 3.11 or newer with venv, and PyPI`,
      { cause },
    );
  }
}

async function ask(order: unknown): Promise<Printed> {
  const python = await pythonWith(REQUIREMENTS);
  return new Promise((resolve, reject) => {
    const child = spawn(python, [join(import.meta.dirname, 'peers.py')]);
    let out = '';
    let complaint = '';
    child.stdout.on('data', (chunk: Buffer) => (out += chunk));
    child.stderr.on('data', (chunk: Buffer) => (complaint += chunk));
    child.on('error', reject);
    child.on('close', (code) => {
      if (code === 0) resolve(JSON.parse(out) as Printed);
      else reject(new Error(`a peer ended with ${code}: ${complaint.trim().split('\n').at(-1)}`));
    });
    child.stdin.end(JSON.stringify(order));
  });
}

/** What it found, by the checker: a plan that leaves customers out or breaks a rule is none. */
export async function runPeer(solver: Peer, one: Case, seconds: number): Promise<PeerRun> {
  const instance = instanceOf(one);
  const found = await ask({ solver, seconds, seed: 1, problem: problemOf(instance) });
  const routes = found.routes.map((stops) => ({
    fleet: 'all',
    stops: stops.map((node) => instance.ids[node]!),
  }));
  const { cost, problems } = checkPlan(instance, routes);
  return {
    cost: problems.length === 0 ? cost : Number.NaN,
    routes: routes.length,
    seconds: found.seconds,
    version: found.version,
    ...(problems.length === 0 ? {} : { problem: problems[0]! }),
  };
}
