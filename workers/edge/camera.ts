/**
 * One camera: frames in, events onto its lanes, from there to the centre. A
 * file is a recording: after a crash the frames since the last checkpoint are
 * looked at again, and give the same events with the same numbers, which are on
 * disk already. A stream goes on with what it shows now.
 */
import { randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Pool } from '../pool.ts';
import type { Centre } from './centre.ts';
import { loadCheckpoint, saveCheckpoint, type Checkpoint } from './checkpoint.ts';
import { decode } from './decoder.ts';
import { Lane } from './lane.ts';
import {
  freshState,
  watchBytes,
  type CameraSettings,
  type EdgeEvent,
  type WatchState,
} from './messages.ts';
import { laneOf, LANES, type LaneName } from './report.ts';
import { DEFAULT_SETTINGS, readSettings } from './settings.ts';
import { startUplink } from './uplink.ts';

export interface CameraOptions {
  readonly id: string;
  /** File or address, anything that ffmpeg opens. */
  readonly source: string;
  /** Frames a second that are taken from it. Default 10. */
  readonly rate?: number;
  /** A file as slowly as it was taken. Default false. */
  readonly live?: boolean;
  /** Milliseconds since the epoch of its first frame. Default: now, when it is first opened. */
  readonly origin?: number;
  /** At the first start, until the centre has others. */
  readonly settings?: Partial<CameraSettings>;
}

export interface QueueOptions {
  /** Bytes on disk that wait for the centre, by camera. Default 16 MiB. */
  readonly limit?: number;
  /** Milliseconds after which an event is not sent any more. Default 7 days. */
  readonly ttl?: number;
  /** The same for alarms and the number of people. Default 1 hour. */
  readonly ttlNow?: number;
}

export interface CameraContext {
  readonly pool: Pick<Pool, 'run'>;
  readonly centre: Centre;
  readonly folder: string;
  readonly queue: QueueOptions;
  /** Milliseconds in which events gather. */
  readonly every: number;
  readonly heartbeat: number;
  readonly longestPause: number;
  readonly onProblem: (problem: Error) => void;
}

export interface CameraReport {
  readonly id: string;
  readonly seen: number;
  readonly analysed: number;
  /** Events by kind, of this process. */
  readonly events: Readonly<Record<string, number>>;
  readonly reports: number;
  readonly isOffline: boolean;
}

export interface Camera {
  /** Resolves at the end of the source. Errors: as `decode`. */
  run(signal: AbortSignal): Promise<void>;
  /** Resolves when the centre has acknowledged all. */
  drained(signal: AbortSignal): Promise<void>;
  report(): CameraReport;
  close(): Promise<void>;
}

const DEFAULTS = { limit: 16 * 2 ** 20, ttl: 7 * 86_400_000, ttlNow: 3_600_000 };
/** The lane of alarms takes so much of the limit at most. */
const NOW_PART = 1 / 8;
/** Seconds of footage between two checkpoints. */
const CHECKPOINT_EVERY = 10;
const BY_NETWORK = /^[a-z]+:\/\//;

/** Tells the centre one folder's numbers from another's, after a disk was replaced. */
async function streamOf(folder: string): Promise<string> {
  const path = join(folder, 'stream');
  const known = await readFile(path, 'utf8').catch(() => '');
  if (known !== '') return known;
  const stream = randomUUID();
  await writeFile(`${path}.new`, stream);
  await rename(`${path}.new`, path);
  return stream;
}

export async function openCamera(options: CameraOptions, context: CameraContext): Promise<Camera> {
  const { id, source, rate = 10, live = false } = options;
  const { limit, ttl, ttlNow } = { ...DEFAULTS, ...context.queue };
  const folder = join(context.folder, encodeURIComponent(id));
  await mkdir(folder, { recursive: true });
  const stream = await streamOf(folder);
  const lanes: Record<LaneName, Lane> = {
    now: await Lane.open({ folder: join(folder, 'now'), limit: limit * NOW_PART, ttl: ttlNow }),
    record: await Lane.open({ folder: join(folder, 'record'), limit: limit * (1 - NOW_PART), ttl }),
  };
  const path = join(folder, 'checkpoint');
  const saved = await loadCheckpoint(path);
  const memory = saved?.memory ?? new SharedArrayBuffer(watchBytes());
  let state: WatchState = saved?.checkpoint.state ?? freshState();
  let origin = saved?.checkpoint.origin ?? options.origin ?? Date.now();
  let version = saved?.checkpoint.version ?? 0;
  let settings =
    saved?.checkpoint.settings ?? readSettings(id, { ...DEFAULT_SETTINGS, ...options.settings });
  const isStream = BY_NETWORK.test(source);
  const seq: Record<LaneName, number> = isStream
    ? { now: lanes.now.last, record: lanes.record.last }
    : { ...(saved?.checkpoint.seq ?? { now: 0, record: 0 }) };
  if (isStream && saved) {
    // Nobody is where they were; the background is.
    origin = Date.now() - Math.round((state.frame * 1000) / rate);
    state = { ...state, tracks: [], kept: 0, people: -1 };
  }
  let refused: string | undefined;
  let desired: { readonly version: number; readonly settings: unknown } | undefined;
  const events: Record<string, number> = {};
  let savedAt = state.frame;

  const uplink = startUplink({
    camera: id,
    stream,
    lanes,
    centre: context.centre,
    every: context.every,
    heartbeat: context.heartbeat,
    longestPause: context.longestPause,
    onProblem: context.onProblem,
    status: () => ({
      version,
      ...(refused === undefined ? {} : { error: refused }),
      seen: state.seen,
      analysed: state.analysed,
      waiting: lanes.now.bytes + lanes.record.bytes,
    }),
    onSettings: (next) => (desired = next),
  });

  const checkpoint = (): Checkpoint => ({ state, origin, settings, version, seq });
  async function save(): Promise<void> {
    await saveCheckpoint(path, checkpoint(), memory);
    savedAt = state.frame;
  }
  /** New settings begin at a checkpoint: what is looked at again after a crash is looked at as before. */
  async function apply(): Promise<void> {
    if (!desired || desired.version === version) return;
    try {
      const next = readSettings(id, desired.settings);
      refused = undefined;
      const isOther = (name: 'lines' | 'zones'): boolean =>
        JSON.stringify(next[name]) !== JSON.stringify(settings[name]);
      for (const track of state.tracks) {
        if (isOther('lines')) Object.assign(track, { sides: [], pending: [] });
        if (isOther('zones')) Object.assign(track, { zones: [], warned: [] });
      }
      settings = next;
    } catch (error) {
      refused = (error as Error).message;
    }
    version = desired.version;
    desired = undefined;
    await save();
    uplink.wake('now');
  }
  async function take(fresh: readonly EdgeEvent[]): Promise<void> {
    const touched = new Set<LaneName>();
    for (const event of fresh) {
      const lane = laneOf(event);
      lanes[lane].add(++seq[lane], event);
      events[event.kind] = (events[event.kind] ?? 0) + 1;
      touched.add(lane);
    }
    for (const lane of touched) {
      await lanes[lane].flush();
      uplink.wake(lane);
    }
  }

  return {
    async run(signal) {
      const from = isStream ? 0 : state.frame;
      // A live camera shows half a second late at most.
      const chunk = live || isStream ? Math.max(1, Math.round(rate / 2)) : rate * 2;
      for await (const frames of decode({ source, rate, from, live, chunk, signal })) {
        await apply();
        const input = { memory, state, settings, frames, rate, origin };
        const output = await context.pool.run('watch', input, { transfer: [frames], signal });
        state = output.state;
        await take(output.events);
        if (state.frame - savedAt >= CHECKPOINT_EVERY * rate) await save();
      }
      if (!isStream) {
        const input = { memory, state, settings, frames: new ArrayBuffer(0), rate, origin };
        const end = await context.pool.run('watch', { ...input, isEnd: true }, { signal });
        state = end.state;
        await take(end.events);
      }
      await save();
    },
    drained: (signal) => uplink.drained(signal),
    report: () => ({
      id,
      seen: state.seen,
      analysed: state.analysed,
      events: { ...events },
      reports: uplink.reports,
      isOffline: uplink.isOffline,
    }),
    async close() {
      await uplink.close();
      await Promise.all(LANES.map((lane) => lanes[lane].close()));
    },
  };
}
