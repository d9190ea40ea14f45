/**
 * What an edge sends: events of a camera's lanes and what was lost of them, as
 * short JSON arrays, deflated. The other side is actors/store/report.ts.
 */
import { deflateRawSync } from 'node:zlib';
import type { LanePart } from './lane.ts';
import type { EdgeEvent } from './messages.ts';

export type LaneName = 'now' | 'record';
export const LANES: readonly LaneName[] = ['now', 'record'];

/** What has to be known at once has a lane of its own, so that no backlog is before it. */
export function laneOf({ kind }: EdgeEvent): LaneName {
  return kind === 'alarm' || kind === 'occupancy' ? 'now' : 'record';
}

/** How a camera is. */
export interface CameraStatus {
  /** Version of the settings that are applied, and why the latest are not. */
  readonly version: number;
  readonly error?: string;
  /** Frames seen and analysed since the camera's state began. */
  readonly seen: number;
  readonly analysed: number;
  /** Bytes that wait on disk. */
  readonly waiting: number;
}

function pack(event: EdgeEvent, base: number): unknown[] {
  const after = event.at - base;
  switch (event.kind) {
    case 'line':
      return ['l', after, event.line, event.direction === 'in' ? 1 : 0];
    case 'visit':
      return ['v', after, event.zone, Math.round(event.seconds * 10)];
    case 'heat': {
      // Differences of cells are short numbers.
      let cell = 0;
      const cells = event.cells.map((value, at) => {
        if (at % 2 === 1) return value;
        const step = value - cell;
        cell = value;
        return step;
      });
      return ['h', after, ...cells];
    }
    case 'occupancy':
      return ['o', after, event.people];
    case 'alarm':
      return event.alarm === 'crowd'
        ? ['c', after, event.people]
        : ['w', after, event.zone, Math.round(event.seconds * 10)];
    default:
      return event satisfies never;
  }
}

function packPart(part: LanePart): unknown[] {
  if (!('events' in part)) return [part.from, part.to, part.why, part.kinds];
  const base = part.events[0]!.event.at;
  return [part.events[0]!.seq, base, part.events.map(({ event }) => pack(event, base))];
}

/** The argument of the store's `report`. */
export function reportOf(
  camera: string,
  stream: string,
  {
    lanes,
    status,
  }: { lanes: Partial<Record<LaneName, readonly LanePart[]>>; status?: CameraStatus },
): { camera: string; stream: string; packed: string } {
  const body = {
    ...Object.fromEntries(
      Object.entries(lanes).map(([lane, parts]) => [lane, parts.map(packPart)]),
    ),
    ...(status ? { status } : {}),
  };
  const packed = deflateRawSync(JSON.stringify(body)).toString('base64');
  return { camera, stream, packed };
}
