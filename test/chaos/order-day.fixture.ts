/**
 * The order day as a process that a test starts, kills with SIGKILL when its
 * database has grown to a given size, and starts again. Progress is read from
 * the database file itself, so a kill falls where it is meant to on any machine.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Summary } from '../../examples/order-day/summary.ts';
import type { Dice } from './random.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const MAIN = join(ROOT, 'examples/order-day/main.ts');
export const REPORTS = [
  'orders.jsonl',
  'stock.jsonl',
  'ledger.jsonl',
  'returns.jsonl',
  'forecast.jsonl',
  'routes.jsonl',
] as const;

export const GENERATED_DAY = join(ROOT, 'examples/order-day/day.csv');
/** The folder of real days; TROUPE_DATA names the folder that holds it. */
export const REAL_DAYS = join(
  process.env['TROUPE_DATA'] ?? join(ROOT, '../shared/data'),
  'online-retail',
);
export const ALL = process.env['TROUPE_TEST_ALL'] === '1';
/** Why tests over the real days are skipped; undefined when they are there, or have to be. */
export const NO_REAL_DAYS =
  existsSync(REAL_DAYS) || (ALL && process.env['CI'] === 'true')
    ? undefined
    : `there are no real days at ${REAL_DAYS}; name another folder with TROUPE_DATA`;

export interface Life {
  readonly child: ChildProcess;
  out: string;
  err: string;
  /** The exit code, or the signal that ended it. */
  readonly ended: Promise<number | NodeJS.Signals>;
}

export interface Workshop extends AsyncDisposable {
  at(...path: string[]): string;
  /** Starts the order day on the state of this name. */
  start(state: string, ...args: string[]): Life;
  /** Runs it to its end. Throws unless it exits with 0. */
  finish(state: string, ...args: string[]): Promise<Summary>;
  /** The files of a report, by name. */
  report(name: string): Promise<Record<string, string>>;
}

export async function openWorkshop(): Promise<Workshop> {
  const folder = await mkdtemp(join(tmpdir(), 'troupe-chaos-'));
  const lives: Life[] = [];
  const at = (...path: string[]): string => join(folder, ...path);

  function start(state: string, ...args: string[]): Life {
    const child = spawn(
      process.execPath,
      [MAIN, '--json', '--state', `sqlite:${at(`${state}.db`)}`, ...args],
      { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] },
    );
    const ended = once(child, 'close').then(
      ([code, signal]) => (code ?? signal) as number | NodeJS.Signals,
    );
    const life: Life = { child, out: '', err: '', ended };
    child.stdout.on('data', (data: Buffer) => (life.out += data.toString()));
    child.stderr.on('data', (data: Buffer) => (life.err += data.toString()));
    lives.push(life);
    return life;
  }

  return {
    at,
    start,
    async finish(state, ...args) {
      const life = start(state, '--once', ...args);
      const code = await life.ended;
      if (code !== 0) throw new Error(`the order day ended with ${code}: ${life.err}${life.out}`);
      return JSON.parse(life.out) as Summary;
    },
    async report(name) {
      const texts = await Promise.all(REPORTS.map((file) => readFile(at(name, file), 'utf8')));
      return Object.fromEntries(REPORTS.map((file, i) => [file, texts[i]!]));
    },
    async [Symbol.asyncDispose]() {
      for (const { child, ended } of lives) {
        if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
        await ended;
      }
      await rm(folder, { recursive: true });
    },
  };
}

/**
 * Rows of a state file that are never removed again; 0 while it has none. Those of the stock
 * codes' forecasts come all at once when every order has ended, and tell no progress.
 */
export function rowsIn(file: string): number {
  using probe = openProbe(file);
  return probe.rows();
}

interface Probe extends Disposable {
  rows(): number;
}

function openProbe(file: string): Probe {
  let database: DatabaseSync | undefined;
  let count: StatementSync | undefined;
  return {
    rows() {
      try {
        database ??= new DatabaseSync(file, { readOnly: true });
        count ??= database.prepare(
          `SELECT count(*) AS rows FROM state
           WHERE key NOT LIKE '%||$outbox||%' AND key NOT LIKE '%||Prediction||%'`,
        );
        return Number(count.get()!['rows']);
      } catch {
        // The file, or its tables, are not there yet, or are being made just now.
        return 0;
      }
    },
    [Symbol.dispose]: () => database?.close(),
  };
}

export interface Kill {
  readonly aimedAt: number;
  /** Rows when it was killed. */
  readonly rows: number;
  /** Rows when it began. */
  readonly before: number;
  readonly endedBy: number | NodeJS.Signals;
}

/** Starts the run, and kills it once its state has so many rows. */
export async function killAt(
  workshop: Workshop,
  state: string,
  aimedAt: number,
  args: readonly string[],
): Promise<Kill> {
  const file = workshop.at(`${state}.db`);
  const before = rowsIn(file);
  const life = workshop.start(state, '--once', ...args);
  const { child, ended } = life;
  {
    using probe = openProbe(file);
    while (child.exitCode === null) {
      const from = process.cpuUsage();
      if (probe.rows() >= aimedAt) break;
      // Looking takes the longer the larger the file is, and must not be all that happens. Its own
      // time counts: that of others would let the run pass its end on a busy machine.
      const { user, system } = process.cpuUsage(from);
      await pause(3 + (3 * (user + system)) / 1000);
    }
    child.kill('SIGKILL');
  }
  const endedBy = await ended;
  if (endedBy !== 'SIGKILL') throw new Error(`it ended by itself with ${endedBy}: ${life.err}`);
  return { aimedAt, rows: rowsIn(file), before, endedBy };
}

/**
 * A moment at random in the next part of what is left, of as many parts as
 * there are kills to come and a last one that nothing cuts off.
 */
export function nextMoment(dice: Dice, done: number, all: number, killsToCome: number): number {
  const part = (all - done) / (killsToCome + 1);
  return done + Math.max(1, Math.ceil(part * (0.3 + dice.next())));
}
