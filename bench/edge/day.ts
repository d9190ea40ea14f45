/**
 * Day tapes through a whole edge to a whole centre, as slowly as they were
 * taken: bytes at the socket against the H.264 stream, and what the centre then
 * knows against the same tape with every frame looked at.
 */
import { join } from 'node:path';
import type { HeatMap, StoreView } from '../../actors/store/api.ts';
import { measureInChild, serveInChild } from '../harness/fork.ts';
import type { Aim, Question, Scale } from '../harness/question.ts';
import { figure, table } from '../harness/report.ts';
import { correlation, heatOf, RAW_FRAME_BYTES, requireFootage, watchFile } from './footage.ts';
import { ask, PROCESSES } from './processes.ts';
import { RATE, tapeOf, type Tape } from './tapes.ts';

const ACTIVITIES = [0.05, 0.2, 0.6];

export async function tapesOf(
  { short, dir }: Scale,
  progress: (step: string) => void,
): Promise<Tape[]> {
  const folder = join(dir, 'troupe-bench-tapes');
  const tapes: Tape[] = [];
  for (const activity of ACTIVITIES) {
    progress(`tape ${tapes.length + 1} of ${ACTIVITIES.length}`);
    tapes.push(await tapeOf(folder, activity, short ? 60 : 600));
  }
  return tapes;
}

interface Day {
  readonly tape: Tape;
  readonly facts: Readonly<Record<string, number>>;
  readonly cpuMs: number;
  readonly view: StoreView;
  readonly heat: HeatMap;
}

async function liveDays(tapes: readonly Tape[], scale: Scale): Promise<Day[]> {
  const centre = await serveInChild(PROCESSES, 'centre', {}, scale);
  const { port } = centre;
  try {
    return await Promise.all(
      tapes.map(async (tape): Promise<Day> => {
        const store = `day-${Math.round(tape.activity * 100)}`;
        const params = { port, store, source: tape.path, rate: RATE, live: 1 };
        const { facts = {}, cpuMs } = await measureInChild(
          PROCESSES,
          { name: store, run: 'edge', params },
          scale,
        );
        const view = await ask<StoreView>(port, `Store/${store}`, { method: 'view' });
        const heat = await ask<HeatMap>(port, `Store/${store}`, { method: 'heatMap' });
        return { tape, facts, cpuMs, view, heat };
      }),
    );
  } finally {
    await centre.stop();
  }
}

export const dayQuestion: Question = {
  name: 'days',
  title:
    'Day tapes at 5, 20 and 60 % activity, live, from ffmpeg to the store actor: 768x432, 10/s',
  check: requireFootage,
  async ask(scale, progress) {
    const tapes = await tapesOf(scale, progress);
    progress(`${scale.short ? 1 : 10} minutes live`);
    const days = await liveDays(tapes, scale);
    const rows: string[][] = [];
    const aims: Aim[] = [];
    for (const { tape, facts, cpuMs, view, heat } of days) {
      progress('every frame looked at');
      const full = await watchFile(tape.path, RATE, { idleFps: RATE });
      const alike = correlation(heat.seconds, heatOf(full.trace, RATE));
      const bytes = facts['sent']! + facts['received']!;
      const saved = 100 * (1 - bytes / tape.bytes);
      const { totals, lost } = view.cameras[0]!;
      const name = `${Math.round(tape.activity * 100)} %`;
      const off = Math.abs(totals.in - tape.visits) + Math.abs(totals.out - tape.visits);
      rows.push([
        `${name} (${figure(100 * tape.active)} %)`,
        figure(tape.seconds),
        figure(tape.bytes / 1024),
        figure(bytes / 1024),
        `${saved.toFixed(2)} %`,
        `${(100 * (1 - bytes / (facts['seen']! * RAW_FRAME_BYTES))).toFixed(4)} %`,
        `${figure(100 * (1 - facts['analysed']! / facts['seen']!))} %`,
        `${facts['events']}/${facts['reports']}`,
        `${totals.in} ${totals.out}/${tape.visits}`,
        alike.toFixed(4),
        figure(cpuMs / tape.seconds),
      ]);
      if (lost.events > 0) throw new Error(`${lost.events} events were lost`);
      aims.push(
        {
          what: `bytes below H.264 at ${name} activity`,
          unit: '%',
          aim: 95,
          better: 'higher',
          measured: saved,
        },
        {
          what: `heat map correlation at ${name}`,
          unit: '',
          aim: 0.95,
          better: 'higher',
          measured: alike,
        },
        {
          what: `crossings counted wrong at ${name}, of ${2 * tape.visits}`,
          unit: '',
          better: 'lower',
          measured: off,
        },
      );
    }
    const head = ['activity (as made)', 'seconds', 'H.264 kB', 'socket kB', 'below H.264'];
    const more = ['below raw', 'frames not analysed', 'events/reports', 'in out/visits'];
    return {
      results: [],
      aims,
      table: table([...head, ...more, 'heat r', 'CPU ms/s'], rows),
      notes: [
        `${scale.short ? 'One minute stands' : 'Ten minutes stand'} for a day. H.264: x264, medium, crf 23, the file that the edge reads. Noise: ffmpeg noise=alls=4:allf=t.`,
        'Socket: bytes sent and received, HTTP and all, between edge and centre. No picture is sent, whatever the activity.',
        'Heat r: correlation of the centre’s heat map with every person of every frame. CPU: edge process and ffmpeg, a second of footage.',
      ],
    };
  },
};
