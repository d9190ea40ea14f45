/** A store offline, its process and its centre killed: nothing lost, in order, nothing twice; or the loss is exact. */
import { readdir, rm } from 'node:fs/promises';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { HeatMap, StoreView } from '../../actors/store/api.ts';
import { absence } from '../programs.ts';
import { openStreet, type Centre, type EdgeLife, type Street } from './edge.fixture.ts';

const ALL = process.env['TROUPE_TEST_ALL'] === '1';
/** Times 75 seconds of footage; ten minutes of the long form are offline. */
const TIMES = ALL ? 12 : 2;
const FRAMES = 750 * TIMES;
const OFFLINE = { from: FRAMES * 0.15, to: FRAMES * 0.85 };

/** What the centre knows of a store, without what is not the footage's: times of reports, queues. */
function figures({ cameras, hours, occupancy, alarms }: StoreView) {
  const [{ totals, lines, events, lost, through }] = cameras as [StoreView['cameras'][number]];
  return { totals, lines, events, lost, through, hours, occupancy, alarms };
}

async function finish(life: EdgeLife): Promise<void> {
  const code = await life.ended;
  if (code !== 0) throw new Error(`the edge ended with ${code}: ${life.err}`);
}

async function kill(life: EdgeLife): Promise<void> {
  life.child.kill('SIGKILL');
  expect(await life.ended, 'it was alive').toBe('SIGKILL');
}

const REASON = absence('ffmpeg');

describe.skipIf(REASON !== undefined)(`an edge${REASON ? ` (${REASON})` : ''}`, () => {
  let street: Street;
  let centre: Centre;
  let footage: string;
  let calm: { figures: ReturnType<typeof figures>; heat: HeatMap };

  const seen = async (store: string) => ({
    figures: figures(await centre.view(store)),
    heat: await centre.heat(store),
  });

  beforeAll(async () => {
    street = await openStreet();
    footage = await street.film(TIMES);
    centre = await street.centre();
    await finish(street.edge('calm', footage));
    calm = await seen('calm');
  });
  afterAll(() => street[Symbol.asyncDispose]());

  it('sees every visitor of the footage', () => {
    expect(calm.figures.lines).toEqual({
      entry: { in: 3 * TIMES, out: 0 },
      exit: { in: 0, out: 3 * TIMES },
    });
    expect(calm.figures.totals.visits).toBe(3 * TIMES);
    expect(calm.figures.lost.events).toBe(0);
    expect(calm.figures.events).toBe(
      calm.figures.through['now']! + calm.figures.through['record']!,
    );
  });

  it(`offline for ${ALL ? 'ten minutes' : 'most'} of its footage and killed twice, its centre killed once, loses nothing and counts nothing twice`, async () => {
    const { network } = street;
    let life = street.edge('storm', footage);
    await street.reached(life, 'storm', OFFLINE.from);
    network.cut();
    await street.reached(life, 'storm', FRAMES * 0.4);
    await kill(life);
    life = street.edge('storm', footage);
    await street.reached(life, 'storm', FRAMES * 0.6);
    await kill(life);
    life = street.edge('storm', footage);
    await street.reached(life, 'storm', OFFLINE.to);
    const swallowed = network.swallowAnswer();
    network.mend();
    await swallowed;
    await centre.kill('SIGKILL');
    centre = await street.centre();
    await finish(life);
    expect(await seen('storm')).toEqual(calm);
  });

  it('sends again what it holds and changes nothing; a centre that forgot its numbers is noticed', async () => {
    const forgetAcks = async (): Promise<void> => {
      for (const lane of ['now', 'record']) await rm(street.at('storm', 'door', lane, 'acked'));
    };
    await forgetAcks();
    await finish(street.edge('storm', footage));
    expect(await seen('storm')).toEqual(calm);
    await forgetAcks();
    await centre.kill('SIGTERM');
    {
      using database = new DatabaseSync(street.at('centre.db'));
      const { changes } = database
        .prepare(
          `UPDATE state SET value = json_set(value, '$.cameras.door.through.record', 0)
           WHERE key LIKE '%||Store||storm||head'`,
        )
        .run();
      expect(changes).toBe(1);
    }
    centre = await street.centre();
    await finish(street.edge('storm', footage));
    const twice = await seen('storm');
    expect(twice).not.toEqual(calm);
    expect(twice.figures.totals.in).toBeGreaterThan(calm.figures.totals.in);
  });

  it('takes settings from its centre, and refuses those that are not right', async () => {
    const stop = async (life: EdgeLife, frames: number): Promise<void> => {
      await street.reached(life, 'tuned', frames);
      life.child.kill('SIGTERM');
      await finish(life);
    };
    await stop(street.edge('tuned', footage), FRAMES * 0.2);
    expect(await centre.configure('tuned', 'door', { fps: -1 })).toEqual({ version: 1 });
    await stop(street.edge('tuned', footage), FRAMES * 0.4);
    const [wrong] = (await centre.view('tuned')).cameras;
    expect(wrong!.reported).toMatchObject({ version: 1, error: expect.stringContaining('fps') });
    expect(Object.keys(wrong!.lines).toSorted()).toEqual(['entry', 'exit']);
    const lines = [{ name: 'middle', from: [0.6, 0], to: [0.6, 1] }] as const;
    await centre.configure('tuned', 'door', { lines });
    await finish(street.edge('tuned', footage));
    const [right] = (await centre.view('tuned')).cameras;
    expect(right!.reported).toMatchObject({ version: 2 });
    expect(right!.reported).not.toHaveProperty('error');
    expect(right!.lines['middle']!.out).toBeGreaterThan(0);
    expect(right!.lines['exit']!.out).toBeLessThan(3 * TIMES);
  });

  it('offline beyond the limit of its queue, loses what the centre counts as lost, exactly', async () => {
    const { network } = street;
    network.cut();
    const life = street.edge('small', footage, '--queue-limit', String(8 * 1024));
    await street.reached(life, 'small', FRAMES);
    network.mend();
    await finish(life);
    const { figures: small } = await seen('small');
    const { lost, events, totals, through } = small;
    expect(lost.events).toBeGreaterThan(0);
    expect(lost.why).toEqual({ limit: lost.events });
    expect(events + lost.events).toBe(calm.figures.events);
    expect(through).toEqual(calm.figures.through);
    const { line = 0, visit = 0 } = lost.kinds;
    const before = calm.figures.totals;
    expect(totals.in + totals.out + line).toBe(before.in + before.out);
    expect(totals.visits + visit).toBe(before.visits);
    const files = await readdir(street.at('small', 'door', 'record'));
    expect(files.filter((name) => name.endsWith('.events'))).toHaveLength(1);
  });
});
