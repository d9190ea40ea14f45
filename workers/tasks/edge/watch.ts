/**
 * The task `watch`: some frames of one camera, in order. All that is known of
 * the camera comes with the call, so any thread can take any camera, and what
 * comes out does not depend on how the frames are cut into calls.
 */
import {
  FRAME_BYTES,
  KEPT_FRAMES,
  type EdgeEvent,
  type WatchedFrame,
  type WatchInput,
  type WatchOutput,
  type WatchState,
} from '../../edge/messages.ts';
import type { TaskContext } from '../../protocol.ts';
import {
  areaOf,
  classify,
  frameOf,
  learn,
  learnFirst,
  relearn,
  viewMemory,
  VISION,
  type Frame,
  type Memory,
} from './background.ts';
import { endAll, endVisits, heatEvent, notice, type Moment } from './features.ts';
import { isGhost, regionsOf, type Region } from './regions.ts';
import { follow, isThere } from './tracks.ts';

/** Seconds for which a region stands still until it is asked whether it is what somebody left. */
const GHOST_AFTER = 2;

interface Watching {
  readonly input: WatchInput;
  readonly state: WatchState;
  readonly memory: Memory;
  readonly events: EdgeEvent[];
  readonly trace: WatchedFrame[];
  readonly at: (frame: number) => number;
}

/** Regions of a frame; none when the light or the camera changed, which is learned at once. */
function lookAt({ memory, input, state }: Watching, frame: Frame): Region[] {
  if (state.learned === 0) {
    learnFirst(memory, frame);
    return [];
  }
  const changed = classify(memory, frame);
  if (changed > VISION.everything) {
    learnFirst(memory, frame);
    state.learned = 0;
    return [];
  }
  return regionsOf(memory, frame, input.settings.minArea);
}

function analyse(
  watching: Watching,
  frame: Frame,
  { number, frames, regions }: { number: number; frames: number; regions: readonly Region[] },
): void {
  const { state, memory, input, events, at } = watching;
  const { settings, rate } = input;
  const moment: Moment = { frame: number, frames, rate, at };
  state.analysed++;
  if (regions.length > 0) state.lastMove = number;
  for (const track of follow(state, regions, moment)) {
    endVisits(track, settings, { ...moment, frame: number - track.missed * frames }, events);
  }
  const areas = [];
  for (const track of state.tracks) {
    const area = areaOf(track.box);
    const still = (number - track.stillSince) / rate;
    const looksStill = track.missed === 0 && still >= GHOST_AFTER;
    if (looksStill && isGhost(memory, frame, area)) {
      relearn(memory, frame, area);
      // It is told as gone with the next frame, in which nothing is there any more.
      track.stillSince = number;
    } else if (track.isPerson && still < settings.longestStay) areas.push(area);
  }
  learn(memory, frame, { learned: state.learned, people: areas });
  state.learned = Math.min(VISION.memory, state.learned + 1);
  events.push(...notice(state, settings, moment));
  if (input.trace) {
    const people = state.tracks.filter(isThere).map(({ box }) => box);
    watching.trace.push({ frame: number, people });
  }
}

/** Frames between two that are analysed. */
function stepOf(rate: number, fps: number): number {
  return Math.max(1, Math.round(rate / fps));
}

function next(watching: Watching, bytes: Uint8Array): void {
  const { state, memory, input, events, at } = watching;
  const { settings, rate } = input;
  const number = state.frame++;
  state.seen++;
  const heat = heatEvent(state, settings, { frame: number, frames: 0, rate, at });
  if (heat) events.push(heat);
  const busyStep = stepOf(rate, settings.fps);
  if (number % busyStep !== 0) return;
  const isBusy =
    state.tracks.length > 0 ||
    state.learned < VISION.memory ||
    number - state.lastMove < settings.idleAfter * rate;
  const idleStep = Math.min(stepOf(rate, settings.idleFps), busyStep * KEPT_FRAMES);
  const step = isBusy ? busyStep : Math.max(busyStep, idleStep - (idleStep % busyStep));
  const frame = frameOf(bytes);
  if (number % step !== 0 && state.kept < KEPT_FRAMES) {
    memory.kept.set(bytes, FRAME_BYTES * state.kept++);
    return;
  }
  let regions = lookAt(watching, frame);
  const kept = state.kept;
  state.kept = 0;
  if (regions.length > 0 && kept > 0) {
    // Something moves: what was put by meanwhile is looked at before it, so that nothing is missed.
    for (let index = 0; index < kept; index++) {
      const before = frameOf(memory.kept.subarray(FRAME_BYTES * index, FRAME_BYTES * (index + 1)));
      const seen = lookAt(watching, before);
      const past = number - (kept - index) * busyStep;
      analyse(watching, before, { number: past, frames: busyStep, regions: seen });
    }
    regions = lookAt(watching, frame);
  }
  const frames = regions.length > 0 || kept === 0 ? busyStep : busyStep * (kept + 1);
  analyse(watching, frame, { number, frames, regions });
}

export function watch(input: WatchInput, _context: TaskContext<never>): WatchOutput {
  const { state, memory, frames, rate, origin } = input;
  const watching: Watching = {
    input,
    state,
    memory: viewMemory(memory),
    events: [],
    trace: [],
    at: (frame) => origin + Math.round((frame * 1000) / rate),
  };
  for (let at = 0; at + FRAME_BYTES <= frames.byteLength; at += FRAME_BYTES) {
    next(watching, new Uint8Array(frames, at, FRAME_BYTES));
  }
  const { events, trace } = watching;
  if (input.isEnd) {
    const moment = { frame: state.frame, frames: 0, rate, at: watching.at };
    events.push(...endAll(state, input.settings, moment));
  }
  return { state, events, ...(input.trace ? { trace } : {}) };
}
