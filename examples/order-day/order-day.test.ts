import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { admitLines, lineAmountPence } from '../../actors/index.ts';
import { readInput } from './input.ts';
import type { Summary } from './summary.ts';

const MAIN = fileURLToPath(new URL('main.ts', import.meta.url));
const DAY = fileURLToPath(new URL('day.csv', import.meta.url));
const REPORTS = [
  'orders.jsonl',
  'stock.jsonl',
  'ledger.jsonl',
  'returns.jsonl',
  'forecast.jsonl',
  'routes.jsonl',
  'index.html',
];
const HEADER = 'InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country';

let folder: string;
const started: ChildProcess[] = [];
beforeEach(async () => void (folder = await mkdtemp(join(tmpdir(), 'order-day-'))));
afterEach(async () => {
  for (const child of started.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
  await rm(folder, { recursive: true });
});

interface Run {
  readonly child: ChildProcess;
  out: string;
  err: string;
  readonly ended: Promise<number | null>;
}

function start(...args: string[]): Run {
  const child = spawn(process.execPath, [MAIN, ...args], {
    env: { ...process.env, XDG_STATE_HOME: folder },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  started.push(child);
  const run: Run = { child, out: '', err: '', ended: once(child, 'close').then(([code]) => code) };
  child.stdout.on('data', (data: Buffer) => (run.out += data.toString()));
  child.stderr.on('data', (data: Buffer) => (run.err += data.toString()));
  return run;
}

async function finish(...args: string[]): Promise<Run & { code: number | null }> {
  const run = start(...args);
  return Object.assign(run, { code: await run.ended });
}

const at = (...path: string[]): string => join(folder, ...path);
const filesIn = (name: string): Promise<string[]> =>
  Promise.all(REPORTS.map((file) => readFile(join(name, file), 'utf8')));
const rows = async <T>(...path: string[]): Promise<T[]> =>
  (await readFile(join(...path), 'utf8'))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as T);

/** The whole day, run once for the tests that only look at what it left. */
let whole: { readonly folder: string; readonly code: number | null } & Pick<Run, 'out' | 'err'>;
beforeAll(async () => {
  const kept = await mkdtemp(join(tmpdir(), 'order-day-whole-'));
  const state = `sqlite:${join(kept, 's.db')}`;
  const { code, out, err } = await finish(
    ...['--once', '--json', '--report', kept, '--state', state],
  );
  whole = { folder: kept, code, out, err };
});
afterAll(() => rm(whole.folder, { recursive: true }));
const ofWhole = (): Promise<string[]> => filesIn(whole.folder);

describe('a run of the generated day', () => {
  test('ends every invoice, holds every invariant, and prints one object with --json', async () => {
    const { folder: kept, code, out, err } = whole;
    expect(code).toBe(0);
    const summary = JSON.parse(out) as Summary;
    expect(out.trim().split('\n').length).toBe(1);
    const input = await readInput(DAY);
    expect(summary).toMatchObject({
      ok: true,
      lines: input.lines,
      invoices: 128,
      orders: 120,
      cancelled: 0,
      returns: 8,
      continued: false,
      state: `sqlite:${join(kept, 's.db')}`,
      report: join(kept, 'index.html'),
    });
    expect(summary.confirmed + summary.rejected).toBe(120);
    expect(summary.invariants.length).toBeGreaterThanOrEqual(12);
    expect(summary.invariants.every(({ ok, checked }) => ok && checked > 0)).toBe(true);
    expect(summary.durableTurns).toBeGreaterThan(1000);
    const { routes } = summary;
    expect(routes).toMatchObject({ depotDays: 4, stops: 115, unserved: 0 });
    expect(routes.places).toContain('made up from id and country');
    expect(routes.km).toBeLessThanOrEqual(routes.clarkeWrightKm);
    expect(routes.clarkeWrightKm).toBeLessThan(routes.nearestNeighbourKm);
    expect(routes.nearestNeighbourKm).toBeLessThan(routes.firstInFirstOutKm);
    const days = await rows<{ routes: { orders: string[] }[] }>(kept, 'routes.jsonl');
    const brought = days.flatMap((day) => day.routes).flatMap((route) => route.orders);
    expect(new Set(brought).size).toBe(115);
    expect(brought.length).toBe(115);
    expect(err).toContain('order-day: day.csv:150: left out: the quantity is not a whole number');
    expect(err).not.toContain('\u001b');
    expect(err).not.toContain('"level"');

    const { forecast } = summary;
    expect(forecast).toMatchObject({ codes: 56, from: '2026-03-02', week: null });
    expect(forecast.reason).toBeUndefined();
    const stock = await rows<{ code: string; sold: number }>(kept, 'stock.jsonl');
    const forecasts = await rows<{ code: string; forecast: number; sold: number }>(
      ...[kept, 'forecast.jsonl'],
    );
    expect(forecasts.map(({ code }) => code)).toEqual(stock.map(({ code }) => code));
    const error = forecasts.reduce((sum, one) => sum + Math.abs(one.forecast - one.sold), 0);
    expect(forecast.wape).toBeCloseTo(error / forecast.units, 3);
    // What was taken back on the day itself is no demand.
    const sold = stock.reduce((sum, one) => sum + one.sold, 0);
    expect(sold - forecast.units).toBeGreaterThanOrEqual(0);
    expect(sold - forecast.units).toBeLessThan(sold / 100);
    expect(forecast.wape).toBeLessThan(forecast.wapes.zero!);

    const orders = await rows<{ id: string; state: string; reason: string; totalPence: number }>(
      ...[kept, 'orders.jsonl'],
    );
    const confirmed = new Map(orders.filter((o) => o.state === 'confirmed').map((o) => [o.id, o]));
    let revenue = 0;
    for (const { id, lines } of input.invoices) {
      if (!confirmed.has(id)) continue;
      for (const { unitPrice, quantity } of admitLines(lines).lines) {
        revenue += lineAmountPence(unitPrice, quantity);
      }
    }
    expect(summary.revenuePence).toBe(revenue);
    expect(orders.filter((o) => o.state === 'rejected').every((o) => o.reason !== '')).toBe(true);
    expect(orders.map((o) => o.id)).toEqual(
      input.invoices
        .filter(({ kind }) => kind === 'order')
        .map(({ id }) => id)
        .sort(),
    );
    const ledger = await rows<{ amountPence: number }>(kept, 'ledger.jsonl');
    expect(ledger.reduce((sum, { amountPence }) => sum + amountPence, 0)).toBe(0);
  });

  test('ends with the same bytes again, at another concurrency, and when continued', async () => {
    await copyFile(join(whole.folder, 's.db'), at('s.db'));
    const run = (name: string, ...more: string[]) =>
      finish('--once', '--report', at(name), '--state', `sqlite:${at('s.db')}`, ...more);
    const again = await run('again', '--json');
    expect(JSON.parse(again.out)).toMatchObject({ continued: true, durableTurns: 0 });
    expect((await run('fresh', '--fresh', '--concurrency', '7')).code).toBe(0);
    expect(await filesIn(at('again'))).toEqual(await ofWhole());
    expect(await filesIn(at('fresh'))).toEqual(await ofWhole());
  });

  test('the share of declined payments is chosen by the option', async () => {
    const { out } = await finish('--once', '--json', '--decline-rate', '1');
    expect(JSON.parse(out)).toMatchObject({
      ok: true,
      confirmed: 0,
      rejected: 120,
      revenuePence: 0,
    });
  });
});

describe('stopping and going on', () => {
  test('it prints for people what the README shows, serves, its curl line works, and Ctrl-C ends it', async () => {
    const run = start('--port', '0');
    const call = await vi.waitFor(
      () => {
        const found = /^ready {4}curl -X PUT (http:\S+)$/m.exec(run.out)?.[1];
        if (found === undefined) throw new Error(`not ready: ${run.out}${run.err}`);
        return found;
      },
      { timeout: 60_000 },
    );
    const readme = await readFile(new URL('README.md', import.meta.url), 'utf8');
    const block = readme.split('$ npm start\n')[1]!.split('\n\n')[0]!;
    // A better search finds shorter ways: its own figures are not the README's matter.
    const stable = (text: string): string[] =>
      text
        .split('\n')
        .filter((line) => line !== '' && !/^(state|turns|ready) /.test(line))
        .map((line) =>
          line.replaceAll(/[\d,]+(?= (?:tours|% saved|km\b))/g, 'n').replace(/^ +n/, 'n'),
        );
    const lines = stable(block.replaceAll(/^ {4}/gm, ''));
    expect(lines.filter((line) => line.startsWith('order-day:'))).toEqual(stable(run.err));
    expect(lines.filter((line) => !line.startsWith('order-day:'))).toEqual(stable(run.out));
    expect(run.out).toContain(`state    sqlite:${at('troupe', 'order-day.db')}`);
    const answer = await fetch(call, { method: 'PUT' });
    expect(answer.status).toBe(200);
    expect(await answer.json()).toMatchObject({
      id: '708001',
      state: 'confirmed',
      delivery: { depot: 'germany', eta: expect.stringMatching(/^2026-03-03 /) },
    });
    run.child.kill('SIGINT');
    expect(await run.ended).toBe(0);
  });

  test('Ctrl-C in the middle ends it cleanly, and the same command goes on to the same bytes', async () => {
    const args = ['--once', '--state', `sqlite:${at('s.db')}`];
    const run = start(...args, '--concurrency', '2', '--report', at('parts'));
    const grown = async () => expect((await stat(at('s.db-wal'))).size).toBeGreaterThan(200_000);
    await vi.waitFor(grown, { timeout: 60_000, interval: 2 });
    run.child.kill('SIGINT');
    expect(await run.ended).toBe(0);
    expect(run.err).toContain('stopped; the same command goes on from here');
    const rest = await finish(...args, '--json', '--report', at('parts'));
    expect(JSON.parse(rest.out)).toMatchObject({ ok: true, continued: true });
    expect(await filesIn(at('parts'))).toEqual(await ofWhole());
  });

  test('used state refuses another input or option, names the flag, and --fresh starts anew', async () => {
    const order = '1,A,MUG,2,2026-03-03 09:00:00,1.25,1.0,EIRE';
    await writeFile(at('one.csv'), `${HEADER}\n${order}\n`);
    await writeFile(at('other.csv'), `${HEADER}\n${order.replace('MUG,2', 'MUG,4')}\n`);
    expect((await finish('--once', '--orders', at('one.csv'))).code).toBe(0);
    const refused = await finish('--once', '--json', '--orders', at('other.csv'));
    expect(refused.code).toBe(1);
    expect(refused.out).toBe('');
    expect(refused.err).toMatch(/holds another run: .*the orders are others.*--fresh/);
    const option = await finish('--once', '--orders', at('one.csv'), '--decline-rate', '0.5');
    expect(option.err).toMatch(/the share of declined payments is another/);
    const fresh = await finish('--once', '--json', '--fresh', '--orders', at('other.csv'));
    expect(JSON.parse(fresh.out)).toMatchObject({ orders: 1, confirmed: 1, revenuePence: 500 });
  });
});

describe('wrong input', () => {
  test.each([
    ['an unknown flag', ['--resource-path', 'x'], 2, /unknown option.*\n.*--resources-path/],
    ['a missing folder', ['--orders', '/no/such/folder'], 1, /\/no\/such\/folder: no such file/],
    [
      'a missing resources folder',
      ['--resources-path', '/no/such'],
      1,
      /\/no\/such" does not exist/,
    ],
    [
      'a file that is no order file',
      ['--orders', MAIN],
      1,
      /main\.ts:1: the header lacks InvoiceNo/,
    ],
  ])('%s is named', async (_, args, code, message) => {
    const run = await finish('--once', ...args);
    expect([run.code, run.out.includes('ready')]).toEqual([code, false]);
    expect(run.err).toMatch(message);
    expect(run.err).not.toMatch(/ at .*\.ts:\d+/);
  });

  test('a port in use is named', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    const run = await finish('--port', String(port));
    server.close();
    expect(run.code).toBe(1);
    expect(run.err).toMatch(new RegExp(`port ${port} .*in use`));
  });

  test('a slip in the component YAML is named with file, line and field', async () => {
    await writeFile(
      at('store.yaml'),
      'apiVersion: dapr.io/v1alpha1\nkind: Component\nmetadata:\n  name: statestore\nspec:\n  tipe: state.sqlite\n  version: v1\n',
    );
    const run = await finish('--once', '--resources-path', folder);
    expect(run.code).toBe(1);
    expect(run.err).toMatch(/store\.yaml:6:\d+: spec\.tipe: .*"type"/);
  });

  test('broken rows are told and left out, and an invoice of nothing else is rejected', async () => {
    await writeFile(
      at('bad.csv'),
      [
        HEADER,
        '1,A,MUG,2,2026-03-03 09:00:00,1.25,1.0,EIRE',
        '1,A,"MUG,2,2026-03-03 09:00:00,1.25,1.0,EIRE',
        '1,A,MUG',
        '2,A,MUG,two,2026-03-03 09:00:00,1.25,1.0,EIRE',
        'A3,B,Adjust bad debt,1,2026-03-03 09:00:00,-11062.06,,United Kingdom',
        'C4,BANK CHARGES,?,-1,2026-03-03 10:00:00,0.005,,United Kingdom',
      ].join('\n'),
    );
    const run = await finish('--once', '--json', '--orders', at('bad.csv'), '--report', at('out'));
    expect(run.code).toBe(0);
    expect(run.err).toMatch(/bad\.csv:3: left out: quotes that do not match/);
    expect(run.err).toMatch(/bad\.csv:4: left out: 3 fields where the header has 8/);
    expect(run.err).toMatch(/bad\.csv:5: left out: the quantity is not a whole number/);
    expect(JSON.parse(run.out)).toMatchObject({ ok: true, orders: 3, confirmed: 1, rejected: 2 });
    expect(
      (await rows<object>(at('out'), 'orders.jsonl')).map((row) => Object.values(row)),
    ).toEqual([
      ['1', '1', 'confirmed', null, 250, 0],
      ['2', null, 'rejected', 'no valid line', 0, 0],
      ['A3', null, 'rejected', 'no valid line', 0, 0],
    ]);
    expect(
      (await rows<object>(at('out'), 'returns.jsonl')).map((row) => Object.values(row)),
    ).toEqual([['C4', null, 'settled', null, 1, 0, 1]]);
  });
});
