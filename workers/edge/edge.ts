/**
 * The process in a store: its cameras, one pool of threads that watches them
 * all, and the centre that it reports to. What leaves is events, never pictures.
 */
import { mkdir } from 'node:fs/promises';
import { createPool, type Pool } from '../pool.ts';
import {
  openCamera,
  type Camera,
  type CameraContext,
  type CameraOptions,
  type CameraReport,
  type QueueOptions,
} from './camera.ts';
import { openCentre, type CentreOptions } from './centre.ts';

export interface EdgeOptions {
  readonly centre: CentreOptions;
  readonly cameras: readonly CameraOptions[];
  /** Where queues and checkpoints are kept. One process at a time. */
  readonly folder: string;
  readonly queue?: QueueOptions;
  /** Threads. Default 1. */
  readonly workers?: number;
  /** Milliseconds in which events gather before they are sent. Default 5000. */
  readonly every?: number;
  /** Milliseconds after which a camera with nothing to tell says how it is. Default 60,000. */
  readonly heartbeat?: number;
  /** Milliseconds between two tries while the centre does not answer, at most. Default 30,000. */
  readonly longestPause?: number;
  /** Told of what goes wrong and is tried again. */
  readonly onProblem?: (problem: Error) => void;
}

export interface Edge extends AsyncDisposable {
  /** Resolves when every source has ended. Errors: of the first camera that cannot go on. */
  run(signal: AbortSignal): Promise<void>;
  /** Resolves when the centre has acknowledged everything. */
  drained(signal: AbortSignal): Promise<void>;
  report(): {
    readonly cameras: readonly CameraReport[];
    readonly bytes: { sent: number; received: number };
  };
  close(): Promise<void>;
}

const DEFAULT_EVERY = 5000;
const DEFAULT_HEARTBEAT = 60_000;
const DEFAULT_LONGEST_PAUSE = 30_000;

export async function openEdge(options: EdgeOptions): Promise<Edge> {
  const { cameras: wanted, folder, workers = 1 } = options;
  await mkdir(folder, { recursive: true });
  const pool: Pool = createPool({ workers, name: 'edge' });
  const centre = openCentre(options.centre);
  const context: CameraContext = {
    pool,
    centre,
    folder,
    queue: options.queue ?? {},
    every: options.every ?? DEFAULT_EVERY,
    heartbeat: options.heartbeat ?? DEFAULT_HEARTBEAT,
    longestPause: options.longestPause ?? DEFAULT_LONGEST_PAUSE,
    onProblem: options.onProblem ?? (() => undefined),
  };
  const cameras: Camera[] = [];
  const closeAll = async (): Promise<void> => {
    await Promise.all(cameras.map((camera) => camera.close()));
    centre[Symbol.dispose]();
    await pool.close();
  };
  try {
    for (const camera of wanted) cameras.push(await openCamera(camera, context));
  } catch (error) {
    await closeAll();
    throw error;
  }
  let closed: Promise<void> | undefined;
  const edge: Edge = {
    async run(signal) {
      await Promise.all(cameras.map((camera) => camera.run(signal)));
    },
    async drained(signal) {
      await Promise.all(cameras.map((camera) => camera.drained(signal)));
    },
    report: () => ({ cameras: cameras.map((camera) => camera.report()), bytes: centre.bytes() }),
    close: () => (closed ??= closeAll()),
    [Symbol.asyncDispose]: () => edge.close(),
  };
  return edge;
}
