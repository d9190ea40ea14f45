/** Two processes on one database file: the newer one owns, the older one is told so and charges nobody again. */
import { readFile, writeFile } from 'node:fs/promises';
import { expect, it, vi } from 'vitest';
import {
  GENERATED_DAY,
  openWorkshop,
  rowsIn,
  type Life,
  type Workshop,
} from './order-day.fixture.ts';

const PATIENCE = { timeout: 60_000, interval: 5 };
const DAY = ['--orders', GENERATED_DAY];

/** Two orders are day enough for processes that serve afterwards. */
async function shortDay(workshop: Workshop): Promise<string[]> {
  const [header, ...lines] = (await readFile(GENERATED_DAY, 'utf8')).split('\n');
  const few = lines.filter((line) => /^70800[12],/.test(line));
  await writeFile(workshop.at('short.csv'), [header, ...few].join('\n'));
  return ['--orders', workshop.at('short.csv')];
}

/** The address that a serving process has printed. */
async function addressOf(life: Life): Promise<string> {
  return vi.waitFor(() => {
    const found = /^ready .*(http:\/\/[\d.:]+)\//m.exec(life.err)?.[1];
    if (found === undefined) throw new Error(`not ready: ${life.err}`);
    return found;
  }, PATIENCE);
}

function ship(address: string, id: string): Promise<Response> {
  const body = JSON.stringify({ shipmentId: 's1' });
  return fetch(`${address}/v1.0/actors/Order/${id}/method/ship`, { method: 'PUT', body });
}

async function calmReport(workshop: Workshop): Promise<Record<string, string>> {
  await workshop.finish('calm', ...DAY, '--report', workshop.at('calm'));
  return workshop.report('calm');
}

it('a second process that comes into the middle of a day fences the first, and whatever becomes of both, nobody is charged twice', async () => {
  await using workshop = await openWorkshop();
  const calm = await calmReport(workshop);
  // One order at a time, so that the day is long enough for the second one to come into it.
  const first = workshop.start('s', '--once', ...DAY, '--concurrency', '1');
  await vi.waitFor(() => {
    if (first.child.exitCode !== null) throw new Error(`it is over: ${first.err}`);
    expect(rowsIn(workshop.at('s.db'))).toBeGreaterThan(0);
  }, PATIENCE);
  const second = workshop.start('s', '--once', ...DAY);
  await vi.waitFor(() => expect(first.err).toContain('a newer host has taken over'), PATIENCE);
  expect(first.out, 'it was not done').toBe('');
  // Both end here as by a power cut, with work of theirs still to be taken up.
  for (const { child, ended } of [first, second]) {
    child.kill('SIGKILL');
    await ended;
  }
  const last = await workshop.finish('s', ...DAY, '--report', workshop.at('last'));
  expect(last).toMatchObject({ ok: true, continued: true });
  expect(await workshop.report('last')).toEqual(calm);
});

it('a fenced process that serves lives on and names the error, and what the newer one did stands', async () => {
  await using workshop = await openWorkshop();
  const day = await shortDay(workshop);
  const serve = (): Life => workshop.start('s', ...day, '--port', '0');
  const first = serve();
  const old = await addressOf(first);
  const second = serve();
  const current = await addressOf(second);
  expect((await ship(current, '708001')).status).toBeLessThan(300);
  const refused = await ship(old, '708001');
  expect(refused.status).toBe(409);
  expect(await refused.json()).toMatchObject({
    errorCode: 'ERR_ACTOR_FENCED',
    message: expect.stringMatching(/taken over|newer host/) as string,
  });
  expect((await ship(old, '708002')).status, 'it owns nothing any more').toBe(409);
  expect((await fetch(`${old}/v1.0/healthz`)).status).toBeLessThan(300);
  expect(first.child.exitCode).toBeNull();
  const got = await fetch(`${current}/v1.0/actors/Order/708001/method/get`, { method: 'PUT' });
  expect(await got.json()).toMatchObject({ id: '708001', state: 'shipped' });
});

it('a second process whose port is taken ends with that, and the first owns what it owned', async () => {
  await using workshop = await openWorkshop();
  const day = await shortDay(workshop);
  const first = workshop.start('s', ...day, '--port', '0');
  const address = await addressOf(first);
  const port = new URL(address).port;
  const second = workshop.start('s', ...day, '--port', port);
  expect(await second.ended).toBe(1);
  expect(second.err).toMatch(new RegExp(`port ${port} .*in use`));
  expect((await ship(address, '708001')).status).toBeLessThan(300);
});
