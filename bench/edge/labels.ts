/** The labels made by hand, and how an answer is scored against them. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Box, EdgeEvent, WatchedFrame } from '../../workers/edge/messages.ts';

export type Part = 'tune' | 'held';

export interface Label {
  readonly frame: number;
  readonly part: Part;
  readonly people: number;
  readonly partial: number;
  readonly boxes: readonly Box[];
}

export interface Crossing {
  readonly part: Part;
  readonly line: string;
  readonly direction: 'in' | 'out';
  readonly frame: number;
}

const FOLDER = join(import.meta.dirname, 'labels');

function rowsOf(file: string): string[][] {
  const text = readFileSync(join(FOLDER, file), 'utf8');
  return text
    .trim()
    .split('\n')
    .slice(1)
    .map((line) => line.split(','));
}

export function labelsOf(clip: string): Label[] {
  return rowsOf(`${clip}.csv`).map(([frame, part, people, partial, boxes = '']) => ({
    frame: Number(frame),
    part: part as Part,
    people: Number(people),
    partial: Number(partial),
    boxes: boxes
      .split('; ')
      .filter((box) => box !== '')
      .map((box) => box.split(' ').map((value) => Number(value) / 100) as unknown as Box),
  }));
}

export function crossingsOf(clip: string): Crossing[] {
  return rowsOf('crossings.csv')
    .filter(([of]) => of === clip)
    .map(([, part, line, direction, frame]) => ({
      part: part as Part,
      line: line!,
      direction: direction as 'in' | 'out',
      frame: Number(frame),
    }));
}

export interface Score {
  readonly frames: number;
  /** People in the labels, and those of them whose box an answer met. */
  readonly people: number;
  readonly found: number;
  /** Without those who show less than a third of their body. */
  readonly whole: number;
  readonly wholeFound: number;
  /** Boxes of answers that met nobody. */
  readonly false: number;
  /** Sum of the differences between people counted and labelled, and frames with one. */
  readonly countError: number;
  readonly wrongFrames: number[];
}

/** Part of both boxes together that they share. */
function likeness(a: Box, b: Box): number {
  const across = Math.min(a[0] + a[2], b[0] + b[2]) - Math.max(a[0], b[0]);
  const down = Math.min(a[1] + a[3], b[1] + b[3]) - Math.max(a[1], b[1]);
  const shared = Math.max(0, across) * Math.max(0, down);
  return shared / (a[2] * a[3] + b[2] * b[3] - shared);
}

/** Least likeness of an answer's box to the label's. */
const MEETS = 0.3;

export function scoreFrames(labels: readonly Label[], trace: readonly WatchedFrame[]): Score {
  const byFrame = new Map(trace.map(({ frame, people }) => [frame, people]));
  const wrongFrames: number[] = [];
  let [people, found, whole, wholeFound, falseBoxes, countError] = [0, 0, 0, 0, 0, 0];
  for (const label of labels) {
    const free = [...(byFrame.get(label.frame) ?? [])];
    const counted = free.length;
    // Where the labels say that some are partial, those are the smallest.
    const bySize = label.boxes.toSorted((a, b) => b[2] * b[3] - a[2] * a[3]);
    for (const [rank, box] of bySize.entries()) {
      const best = free.toSorted((a, b) => likeness(b, box) - likeness(a, box))[0];
      const meets = best !== undefined && likeness(best, box) >= MEETS;
      if (meets) free.splice(free.indexOf(best), 1);
      const isWhole = rank < label.people - label.partial;
      people++;
      if (meets) found++;
      if (isWhole) whole++;
      if (isWhole && meets) wholeFound++;
    }
    falseBoxes += free.length;
    countError += Math.abs(counted - label.people);
    if (counted !== label.people || free.length > 0) wrongFrames.push(label.frame);
  }
  const frames = labels.length;
  return { frames, people, found, whole, wholeFound, false: falseBoxes, countError, wrongFrames };
}

/** Frames by which a counted crossing may be off. */
const NEAR = 10;

/** Crossings that were counted near theirs, and counted ones that no label has. */
export function scoreCrossings(
  labels: readonly Crossing[],
  events: readonly EdgeEvent[],
  rate: number,
): { labelled: number; met: number; extra: number } {
  const free = events.filter((event) => event.kind === 'line');
  let met = 0;
  for (const { line, direction, frame } of labels) {
    const at = free.findIndex(
      (event) =>
        event.line === line &&
        event.direction === direction &&
        Math.abs((event.at / 1000) * rate - frame) <= NEAR,
    );
    if (at === -1) continue;
    free.splice(at, 1);
    met++;
  }
  return { labelled: labels.length, met, extra: free.length };
}
