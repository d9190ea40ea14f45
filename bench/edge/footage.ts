/** The clips, what is looked for in them, and what is found when every frame is looked at. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { decode } from '../../workers/edge/decoder.ts';
import {
  freshState,
  GRID,
  watchBytes,
  type CameraSettings,
  type EdgeEvent,
  type WatchedFrame,
} from '../../workers/edge/messages.ts';
import { readSettings } from '../../workers/edge/settings.ts';
import { watch } from '../../workers/tasks/edge/watch.ts';
import { MissingTool } from '../harness/wrk.ts';

export const run = promisify(execFile);
const DATA = process.env['TROUPE_DATA'] ?? join(import.meta.dirname, '../../../shared/data');

export interface Clip {
  readonly name: string;
  readonly path: string;
  readonly rate: number;
}

export const CLIPS: readonly [walking: Clip, aisle: Clip] = [
  { name: 'walking-people', path: join(DATA, 'footfall/walking-people.mp4'), rate: 10 },
  {
    name: 'store-aisle-detection',
    path: join(DATA, 'footfall/store-aisle-detection.gif'),
    rate: 15,
  },
];

/** The lines that the labels speak of. */
export const SETTINGS: Partial<CameraSettings> = {
  lines: [
    { name: 'entry', from: [1, 0.75], to: [0, 0.75] },
    { name: 'exit', from: [0.75, 0], to: [0.75, 1] },
  ],
  zones: [{ name: 'table', box: [0.4, 0.6, 0.3, 0.4] }],
  waiting: 10,
};

export async function requireFootage(): Promise<void> {
  try {
    await run('ffmpeg', ['-version']);
  } catch (cause) {
    const text =
      'ffmpeg is not installed; on Debian and Ubuntu it is the package ffmpeg: apt-get install ffmpeg';
    throw new MissingTool(text, { cause });
  }
  for (const { path } of CLIPS) {
    if (existsSync(path)) continue;
    throw new MissingTool(`there is no ${path}; name the folder of the data with TROUPE_DATA`);
  }
}

export interface Watched {
  readonly events: readonly EdgeEvent[];
  readonly trace: readonly WatchedFrame[];
  readonly seen: number;
  readonly analysed: number;
  /** Milliseconds in the detector. */
  readonly watchMs: number;
}

const NOBODY = { finishing: () => false, cancelled: () => false, report: () => undefined };

/** Watches a file in this process, from beginning to end. */
export async function watchFile(
  source: string,
  rate: number,
  settings: Partial<CameraSettings>,
): Promise<Watched> {
  const all = readSettings('bench', { ...SETTINGS, fps: Math.min(30, rate), ...settings });
  const memory = new SharedArrayBuffer(watchBytes());
  const events: EdgeEvent[] = [];
  const trace: WatchedFrame[] = [];
  let state = freshState();
  let watchMs = 0;
  const look = (frames: ArrayBuffer, isEnd = false): void => {
    const from = performance.now();
    const given = { memory, state, settings: all, frames, rate, origin: 0, trace: true, isEnd };
    const output = watch(given, NOBODY);
    watchMs += performance.now() - from;
    state = output.state;
    events.push(...output.events);
    trace.push(...(output.trace ?? []));
  };
  for await (const frames of decode({ source, rate, chunk: 20 })) look(frames);
  look(new ArrayBuffer(0), true);
  return { events, trace, seen: state.seen, analysed: state.analysed, watchMs };
}

/** The heat map as it is without events, rests and reports: every person of every frame. */
export function heatOf(trace: readonly WatchedFrame[], rate: number): number[] {
  const [columns, rows] = GRID;
  const seconds = Array.from({ length: columns * rows }, () => 0);
  for (const { people } of trace) {
    for (const [left, top, width, height] of people) {
      const column = Math.min(columns - 1, Math.floor((left + width / 2) * columns));
      const row = Math.min(rows - 1, Math.floor(Math.min(1, top + height) * rows));
      seconds[row * columns + column]! += 1 / rate;
    }
  }
  return seconds;
}

/** Pearson's, over all cells. */
export function correlation(a: readonly number[], b: readonly number[]): number {
  const mean = (values: readonly number[]): number =>
    values.reduce((sum, value) => sum + value, 0) / values.length;
  const [meanA, meanB] = [mean(a), mean(b)];
  let [both, ofA, ofB] = [0, 0, 0];
  for (const [at, value] of a.entries()) {
    const [da, db] = [value - meanA, b[at]! - meanB];
    both += da * db;
    ofA += da * da;
    ofB += db * db;
  }
  return both / Math.sqrt(ofA * ofB);
}

export const RAW_FRAME_BYTES = 768 * 432 * 1.5;
