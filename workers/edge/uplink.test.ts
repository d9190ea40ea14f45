/** What is urgent goes with the next report, however much waits; what failed is sent again. */
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inflateRawSync } from 'node:zlib';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openCentre } from './centre.ts';
import { Lane } from './lane.ts';
import type { EdgeEvent } from './messages.ts';
import { startUplink } from './uplink.ts';

type Packed = Record<'now' | 'record', [number, number, unknown[]][] | undefined>;

/** A centre that takes what comes; `answer` may make it fail. */
async function listen(answer: (packed: Packed, report: number) => Promise<number> | number) {
  const reports: Packed[] = [];
  const through = { now: 0, record: 0 };
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', async () => {
      const { packed } = JSON.parse(Buffer.concat(chunks).toString()) as { packed: string };
      const body = JSON.parse(inflateRawSync(Buffer.from(packed, 'base64')).toString()) as Packed;
      reports.push(body);
      response.statusCode = await answer(body, reports.length);
      if (response.statusCode === 200) {
        for (const lane of ['now', 'record'] as const) {
          for (const [from, , events] of body[lane] ?? []) through[lane] = from + events.length - 1;
        }
      }
      response.end(JSON.stringify({ through }));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  return { reports, url: `http://127.0.0.1:${port}` };
}

async function lanes() {
  const folder = await mkdtemp(join(tmpdir(), 'troupe-uplink-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const open = (name: string) => Lane.open({ folder: join(folder, name), limit: 1e8, ttl: 1e9 });
  return { now: await open('now'), record: await open('record') };
}

const heat = (at: number): EdgeEvent => ({ kind: 'heat', at, cells: [at % 500, 1] });
const STATUS = { version: 0, seen: 0, analysed: 0, waiting: 0 };

describe('an uplink', () => {
  it('gives an alarm to the next report while a backlog waits, and sends the backlog in order', async () => {
    const both = await lanes();
    for (let seq = 1; seq <= 4000; seq++) both.record.add(seq, heat(seq));
    await both.record.flush();
    const alarm: EdgeEvent = { kind: 'alarm', alarm: 'crowd', at: 9, people: 9 };
    const { url, reports } = await listen(async (_, report) => {
      if (report === 2) {
        both.now.add(1, alarm);
        await both.now.flush();
        uplink.wake('now');
      }
      return 200;
    });
    using centre = openCentre({ url, store: 's-1' });
    const uplink = startUplink({
      ...{ camera: 'door', stream: 'q', lanes: both, centre, status: () => STATUS },
      ...{ every: 1, heartbeat: 60_000, longestPause: 10 },
      onSettings: () => undefined,
      onProblem: (problem) => expect.unreachable(problem.message),
    });
    await uplink.drained(AbortSignal.timeout(25_000));
    await uplink.close();
    expect(reports.findIndex(({ now }) => now !== undefined)).toBe(2);
    expect(reports.length, 'a report takes a part of the backlog').toBeGreaterThan(4);
    let next = 1;
    for (const { record } of reports) {
      for (const [from, , events] of record ?? []) {
        expect(from).toBe(next);
        next += events.length;
      }
    }
    expect(next).toBe(4001);
  });

  it('sends a report again that failed, and tells of it', async () => {
    const both = await lanes();
    both.record.add(1, heat(1));
    await both.record.flush();
    const { url, reports } = await listen((_, report) => (report <= 2 ? 500 : 200));
    using centre = openCentre({ url, store: 's-1' });
    const problems: string[] = [];
    const uplink = startUplink({
      ...{ camera: 'door', stream: 'q', lanes: both, centre, status: () => STATUS },
      ...{ every: 1, heartbeat: 60_000, longestPause: 10 },
      onSettings: () => undefined,
      onProblem: ({ message }) => void problems.push(message),
    });
    await uplink.drained(AbortSignal.timeout(25_000));
    await uplink.close();
    expect(reports.map(({ record }) => record?.[0]?.[0])).toEqual([1, 1, 1]);
    expect(problems).toEqual(Array(2).fill('the store s-1 refused a report: status 500'));
    expect(both.record.hasNews).toBe(false);
  });
});
