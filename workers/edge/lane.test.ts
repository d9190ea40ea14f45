/** Events wait on disk in order, survive a torn end, and what is given up is counted. */
import { appendFile, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Lane, type LaneOptions } from './lane.ts';
import type { Loss } from './ledger.ts';
import type { EdgeEvent } from './messages.ts';

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'troupe-lane-'));
  onTestFinished(() => rm(path, { recursive: true }));
  return path;
}

const event = (at: number): EdgeEvent =>
  at % 2 === 0
    ? { kind: 'line', at, line: 'entry', direction: 'in' }
    : { kind: 'visit', at, zone: 'table', seconds: 1 };

async function open(path: string, options: Partial<LaneOptions> = {}): Promise<Lane> {
  const lane = await Lane.open({ folder: path, limit: 1e6, ttl: 1e9, ...options });
  onTestFinished(() => lane.close());
  return lane;
}

async function fill(lane: Lane, from: number, to: number): Promise<void> {
  for (let seq = from; seq <= to; seq++) lane.add(seq, event(seq));
  await lane.flush();
}

/** Numbers of the events that come next, and the losses between them. */
async function read(lane: Lane, bytes = 1e9) {
  const parts = await lane.read(bytes);
  const events = parts.flatMap((part) => ('events' in part ? part.events : []));
  const losses = parts.filter((part): part is Loss => !('events' in part));
  return { seqs: events.map(({ seq }) => seq), events, losses };
}

const range = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, at) => from + at);
const firstFile = async (path: string): Promise<string> =>
  join(path, (await readdir(path)).filter((name) => name.endsWith('.events')).toSorted()[0]!);

describe('a lane', () => {
  it('gives what was added in order, again until it is acknowledged, and after a restart', async () => {
    const path = await folder();
    const lane = await open(path);
    await fill(lane, 1, 20);
    expect((await read(lane)).seqs).toEqual(range(1, 20));
    await lane.ack(7);
    expect((await read(lane)).seqs).toEqual(range(8, 20));
    await lane.close();
    const again = await open(path);
    const { seqs, events } = await read(again);
    expect(seqs).toEqual(range(8, 20));
    expect(events[0]!.event).toEqual(event(8));
    expect(again.last).toBe(20);
  });

  it('does not give what is not on disk yet, and takes no number twice', async () => {
    const lane = await open(await folder());
    await fill(lane, 1, 3);
    lane.add(3, event(99));
    lane.add(4, event(4));
    expect((await read(lane)).seqs).toEqual([1, 2, 3]);
    await lane.flush();
    expect((await read(lane)).events.map(({ event: { at } }) => at)).toEqual([1, 2, 3, 4]);
  });

  it('gives a bounded part of a backlog at a time', async () => {
    const lane = await open(await folder(), { segment: 1024 });
    await fill(lane, 1, 500);
    const seen: number[] = [];
    while (lane.hasNews) {
      const { seqs } = await read(lane, 2000);
      expect(seqs.length).toBeLessThan(60);
      seen.push(...seqs);
      await lane.ack(seqs.at(-1)!);
    }
    expect(seen).toEqual(range(1, 500));
  });

  it.each([1, 5, 9, 60])('drops a record of which a crash left %i bytes too few', async (bytes) => {
    const path = await folder();
    const lane = await open(path);
    await fill(lane, 1, 10);
    await lane.close();
    const file = await firstFile(path);
    await truncate(file, (await readFile(file)).length - bytes);
    const again = await open(path);
    const { seqs, losses } = await read(again);
    expect(seqs).toEqual(range(1, again.last));
    expect(again.last).toBeLessThan(10);
    expect(losses).toEqual([]);
    await fill(again, again.last + 1, 12);
    expect((await read(again)).seqs).toEqual(range(1, 12));
  });

  it('drops what a crash left half written after the last record', async () => {
    const path = await folder();
    const lane = await open(path);
    await fill(lane, 1, 10);
    await lane.close();
    await appendFile(await firstFile(path), Buffer.from([40, 0, 0, 0, 1, 2, 3, 4, 5]));
    const again = await open(path);
    await fill(again, 11, 12);
    await again.close();
    expect((await read(await open(path))).seqs).toEqual(range(1, 12));
  });

  it('gives up the oldest at its limit, and says which and of what kind', async () => {
    const path = await folder();
    const limit = 8000;
    const lane = await open(path, { limit });
    await fill(lane, 1, 5);
    await lane.ack(3);
    await fill(lane, 6, 300);
    expect(lane.bytes).toBeLessThanOrEqual(limit);
    const { seqs, losses } = await read(lane);
    expect(seqs).toEqual(range(seqs[0]!, 300));
    expect(losses[0]!.from).toBe(4);
    expect(losses.at(-1)!.to).toBe(seqs[0]! - 1);
    const lost = range(4, seqs[0]! - 1);
    const kinds = { line: 0, visit: 0 };
    for (const loss of losses) {
      expect(loss.why).toBe('limit');
      kinds.line += loss.kinds['line'] ?? 0;
      kinds.visit += loss.kinds['visit'] ?? 0;
    }
    expect(kinds.line).toBe(lost.filter((seq) => seq % 2 === 0).length);
    expect(kinds.visit).toBe(lost.filter((seq) => seq % 2 === 1).length);
    await lane.close();
    const again = await open(path, { limit });
    expect(await read(again)).toEqual({ seqs, events: expect.any(Array), losses });
    await again.ack(300);
    expect(again.hasNews).toBe(false);
    await fill(again, 301, 302);
    expect((await read(again)).seqs).toEqual([301, 302]);
  });

  it('gives up what is older than its time to live', async () => {
    let now = 1000;
    const lane = await open(await folder(), { ttl: 500, now: () => now });
    await fill(lane, 1, 4);
    now = 1400;
    await fill(lane, 5, 6);
    now = 1600;
    const { seqs, losses } = await read(lane);
    expect(seqs).toEqual([5, 6]);
    expect(losses).toEqual([{ from: 1, to: 4, why: 'ttl', kinds: { line: 2, visit: 2 } }]);
    now = 5000;
    const { seqs: none, losses: all } = await read(lane);
    expect(none).toEqual([]);
    expect(all.at(-1)).toMatchObject({ from: 5, to: 6 });
    await lane.ack(6);
    expect(lane.hasNews).toBe(false);
  });

  it('counts what is behind a damaged record as lost, to the next file', async () => {
    const path = await folder();
    const lane = await open(path, { segment: 1024 });
    await fill(lane, 1, 60);
    await lane.close();
    const file = await firstFile(path);
    const bytes = await readFile(file);
    bytes[bytes.length - 3]! ^= 255;
    await writeFile(file, bytes);
    const { seqs, losses } = await read(await open(path, { segment: 1024 }));
    expect(losses).toHaveLength(1);
    const [{ from, to, why }] = losses as [Loss];
    expect({ why, count: to - from + 1 }).toEqual({ why: 'damage', count: 1 });
    expect(seqs).toEqual([...range(1, from - 1), ...range(to + 1, 60)]);
  });

  it('tells a centre that went back what it has no more', async () => {
    const lane = await open(await folder());
    await fill(lane, 1, 10);
    await lane.ack(8);
    await lane.rewind(5);
    const { seqs, losses } = await read(lane);
    expect(losses).toEqual([{ from: 5, to: 8, why: 'centre', kinds: {} }]);
    expect(seqs).toEqual([9, 10]);
  });
});
