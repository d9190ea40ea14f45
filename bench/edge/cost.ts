/** CPU time of a camera: ffmpeg and the whole edge process, at 10 and 5 frames a second, empty and busy. */
import { measureInChild, serveInChild } from '../harness/fork.ts';
import type { Aim, Question } from '../harness/question.ts';
import { figure, table } from '../harness/report.ts';
import { median } from '../harness/stats.ts';
import { tapesOf } from './day.ts';
import { requireFootage, run } from './footage.ts';
import { familyCpuMs } from '../harness/machine.ts';
import { ask, PROCESSES } from './processes.ts';
import type { StoreView } from '../../actors/store/api.ts';

async function decodeMs(path: string, rate: number): Promise<number> {
  const before = familyCpuMs();
  const filter = `fps=${rate},scale=192:108:flags=area`;
  const input = ['-v', 'error', '-threads', '1', '-i', path];
  await run('ffmpeg', [...input, '-vf', filter, '-pix_fmt', 'yuv420p', '-f', 'null', '-']);
  return familyCpuMs() - before;
}

export const costQuestion: Question = {
  name: 'cost',
  title: 'CPU time of one camera, whole tapes as fast as they can be read',
  check: requireFootage,
  async ask(scale, progress) {
    const tapes = await tapesOf(scale, progress);
    const centre = await serveInChild(PROCESSES, 'centre', {}, scale);
    const rows: string[][] = [];
    const aims: Aim[] = [];
    try {
      for (const tape of tapes) {
        const name = `${Math.round(tape.activity * 100)} %`;
        for (const rate of [10, 5]) {
          const all: number[] = [];
          const decoding: number[] = [];
          for (let round = 0; round < scale.rounds; round++) {
            progress(`${name} at ${rate} frames a second, round ${round + 1}`);
            const store = `cost-${name.slice(0, -2)}-${rate}-${round}`;
            const params = { port: centre.port, store, source: tape.path, rate, live: 0 };
            const contender = { name, run: 'edge', params };
            const { cpuMs } = await measureInChild(PROCESSES, contender, scale);
            const view = await ask<StoreView>(centre.port, `Store/${store}`, { method: 'view' });
            if (view.cameras[0]!.reported === null) throw new Error(`${store} never reported`);
            all.push(cpuMs / tape.seconds);
            decoding.push((await decodeMs(tape.path, rate)) / tape.seconds);
          }
          const [each, decode] = [median(all), median(decoding)];
          const cameras = 1000 / each;
          const row = [`${name} activity, ${rate}/s`, figure(each), figure(decode)];
          rows.push([...row, figure(Math.max(0, each - decode)), figure(Math.floor(cameras))]);
          const what = `cameras a core carries at ${rate}/s, ${name} activity`;
          aims.push({ what, unit: 'cameras', better: 'higher', measured: Math.floor(cameras) });
        }
      }
    } finally {
      await centre.stop();
    }
    const head = ['', 'CPU ms a second', 'of it ffmpeg', 'the rest', 'cameras a core'];
    return {
      results: [],
      aims,
      table: table(head, rows),
      notes: [
        'CPU: the edge process from start to end with everything acknowledged, and its ffmpeg, by Linux’s accounts in ticks of 10 ms; start-up is part of it. ffmpeg by itself is measured beside it.',
      ],
    };
  },
};
