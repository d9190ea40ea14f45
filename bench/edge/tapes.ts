/**
 * Day tapes: visits cut from the clip, between them stretches of its empty
 * background, over all of it the noise of a sensor. The same every time. The
 * H.264 file that a camera would send is the tape, the baseline and the input.
 */
import { existsSync } from 'node:fs';
import { mkdir, rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CLIPS, run } from './footage.ts';

export const RATE = 10;

interface Cut {
  readonly name: string;
  readonly from: number;
  readonly to: number;
}

/** First and last frame of each. A visit is from just before somebody shows until their shadow is gone. */
const VISITS: readonly Cut[] = [
  { name: 'visit-1', from: 57, to: 204 },
  { name: 'visit-2', from: 225, to: 452 },
  { name: 'visit-3', from: 499, to: 700 },
];
const EMPTY: readonly Cut[] = [
  { name: 'empty-1', from: 0, to: 56 },
  { name: 'empty-2', from: 206, to: 224 },
  { name: 'empty-3', from: 456, to: 498 },
];

const secondsOf = ({ from, to }: Cut): number => (to - from + 1) / RATE;

export interface Tape {
  readonly path: string;
  /** As asked for, and as it came out in whole visits. */
  readonly activity: number;
  readonly active: number;
  readonly seconds: number;
  readonly visits: number;
  /** Of the H.264 file. */
  readonly bytes: number;
}

/** Visits in turn, evenly apart, until their part of the time is closest to the activity. */
function plan(activity: number, seconds: number): { cuts: Cut[]; active: number; visits: Cut[] } {
  const visits: Cut[] = [];
  let busy = 0;
  for (;;) {
    const next = VISITS[visits.length % VISITS.length]!;
    if (visits.length > 0 && busy + secondsOf(next) / 2 > activity * seconds) break;
    visits.push(next);
    busy += secondsOf(next);
  }
  const cuts: Cut[] = [];
  let [time, at, empty] = [0, 0, 0];
  const rest = (until: number): void => {
    while (time < until) {
      const stretch = EMPTY[empty++ % EMPTY.length]!;
      cuts.push(stretch);
      time += secondsOf(stretch);
    }
  };
  for (const [index, visit] of visits.entries()) {
    rest(Math.max(5, ((seconds - busy) * (index + 1)) / (visits.length + 1) + at));
    cuts.push(visit);
    time += secondsOf(visit);
    at += secondsOf(visit);
  }
  rest(seconds);
  return { cuts, active: busy / time, visits };
}

/** Cuts of the clip without loss, each a file of its own. */
async function cutAll(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const { name, from, to } of [...VISITS, ...EMPTY]) {
    const path = join(folder, `${name}.mkv`);
    if (existsSync(path)) continue;
    const filter = `trim=start_frame=${from}:end_frame=${to + 1},setpts=PTS-STARTPTS`;
    await run('ffmpeg', [
      ...['-v', 'error', '-y', '-i', CLIPS[0].path, '-vf', filter, '-an', '-c:v', 'ffv1'],
      ...['-g', '1', '-threads', '1', join(folder, `${name}.new.mkv`)],
    ]);
    await rename(join(folder, `${name}.new.mkv`), path);
  }
}

/** Makes the tape, or takes the one that was made before in the folder. */
export async function tapeOf(folder: string, activity: number, seconds: number): Promise<Tape> {
  await cutAll(folder);
  const { cuts, active, visits } = plan(activity, seconds);
  const name = `day-${seconds}s-${Math.round(activity * 100)}`;
  const path = join(folder, `${name}.mp4`);
  if (!existsSync(path)) {
    const list = join(folder, `${name}.txt`);
    await writeFile(list, cuts.map((cut) => `file '${cut.name}.mkv'\n`).join(''));
    await run('ffmpeg', [
      ...['-v', 'error', '-y', '-f', 'concat', '-safe', '0', '-i', list],
      ...['-vf', `setpts=N/${RATE}/TB,noise=alls=4:allf=t:all_seed=17`, '-r', String(RATE)],
      ...['-c:v', 'libx264', '-preset', 'medium', '-crf', '23', '-threads', '1'],
      ...['-pix_fmt', 'yuv420p', join(folder, `${name}.new.mp4`)],
    ]);
    await rename(join(folder, `${name}.new.mp4`), path);
  }
  const total = cuts.reduce((sum, cut) => sum + secondsOf(cut), 0);
  const { size } = await stat(path);
  return { path, activity, active, seconds: total, visits: visits.length, bytes: size };
}
