/** People are found in footage that is made here, and cutting or resting changes nothing. */
import { describe, expect, it } from 'vitest';
import {
  FRAME_BYTES,
  freshState,
  HEIGHT,
  PIXELS,
  watchBytes,
  WIDTH,
  type CameraSettings,
  type EdgeEvent,
  type WatchedFrame,
} from '../../edge/messages.ts';
import { watch } from './watch.ts';

const RATE = 10;
const SETTINGS: CameraSettings = {
  fps: 10,
  idleFps: 10,
  idleAfter: 2,
  lines: [{ name: 'middle', from: [0.5, 0], to: [0.5, 1] }],
  zones: [{ name: 'right', box: [0.6, 0, 0.4, 1] }],
  minArea: 0.008,
  heatEvery: 10,
  crowd: 2,
  waiting: 3,
  longestStay: 300,
};

interface Body {
  /** Left and bottom of a body in a frame, as parts of the picture; undefined when it is away. */
  at(frame: number): readonly [left: number, bottom: number] | undefined;
  readonly luma: number;
}

const BACKDROPS = 16;

/** A wall and a floor with the noise of a sensor, a few times. */
function backdrops(light: number): Uint8Array[] {
  let chance = 1;
  return Array.from({ length: BACKDROPS }, () =>
    Uint8Array.from({ length: PIXELS }, (_, at) => {
      chance = (Math.imul(chance, 1103515245) + 12345) >>> 0;
      return ((at < PIXELS / 2 ? 180 : 110) + ((chance >>> 16) % 7) - 3) * light;
    }),
  );
}

const USUAL = backdrops(1);

/** Bodies before the wall and on the floor. */
function film(frames: number, bodies: readonly Body[], behind = USUAL): ArrayBuffer {
  const bytes = new Uint8Array(FRAME_BYTES * frames).fill(128);
  for (let frame = 0; frame < frames; frame++) {
    const y = bytes.subarray(FRAME_BYTES * frame, FRAME_BYTES * frame + PIXELS);
    y.set(behind[(frame * 7) % BACKDROPS]!);
    for (const { at, luma } of bodies) {
      const place = at(frame);
      if (!place) continue;
      const [left, bottom] = [Math.round(place[0] * WIDTH), Math.round(place[1] * HEIGHT)];
      for (let row = Math.max(0, bottom - 60); row < Math.min(HEIGHT, bottom); row++) {
        const from = Math.max(0, left);
        const to = Math.min(WIDTH, left + 24);
        if (to > from) y.fill(luma, row * WIDTH + from, row * WIDTH + to);
      }
    }
  }
  return bytes.buffer;
}

/** Comes in from the left at `from`, walks to the right in six seconds. */
function walker(from: number, luma = 20, bottom = 0.9): Body {
  return {
    luma,
    at: (frame) =>
      frame < from || frame > from + 72 ? undefined : [(frame - from) / 60 - 0.13, bottom],
  };
}

function look(
  frames: ArrayBuffer,
  { settings = SETTINGS, chunk = 10 }: { settings?: CameraSettings; chunk?: number } = {},
) {
  const memory = new SharedArrayBuffer(watchBytes());
  let state = freshState();
  const events: EdgeEvent[] = [];
  const trace: WatchedFrame[] = [];
  for (let at = 0; at < frames.byteLength; at += chunk * FRAME_BYTES) {
    const part = frames.slice(at, at + chunk * FRAME_BYTES);
    const input = { memory, state: structuredClone(state), settings, frames: part };
    const output = watch(
      { ...input, rate: RATE, origin: 0, trace: true },
      { finishing: () => false, cancelled: () => false, report: () => undefined },
    );
    state = output.state;
    events.push(...output.events);
    trace.push(...output.trace!);
  }
  return { state, events, trace };
}

const lines = (events: readonly EdgeEvent[]) => events.filter(({ kind }) => kind === 'line');

describe('a watched camera', () => {
  it('counts who crosses a line, in either direction, and who visits a zone', () => {
    const back: Body = { luma: 20, at: (frame) => walker(120).at(312 - frame) };
    const { events } = look(film(330, [walker(30), back]));
    expect(lines(events)).toMatchObject([
      { line: 'middle', direction: 'out' },
      { line: 'middle', direction: 'in' },
    ]);
    const visits = events.filter(({ kind }) => kind === 'visit');
    expect(visits).toHaveLength(2);
  });

  it('sees nobody in noise, in a change of light, in what was carried in and left', () => {
    const dimmed = new Uint8Array(FRAME_BYTES * 200);
    dimmed.set(new Uint8Array(film(100, [])));
    dimmed.set(new Uint8Array(film(100, [], backdrops(0.85))), FRAME_BYTES * 100);
    expect(look(dimmed.buffer).events).toEqual([]);
    const box: Body = { luma: 30, at: (frame) => (frame < 60 ? undefined : [0.4, 0.8]) };
    expect(look(film(200, [box])).events).toEqual([]);
  });

  it('keeps somebody in the count who stands still for half a minute', () => {
    const still: Body = {
      luma: 20,
      at: (frame) => (frame < 40 ? undefined : [Math.min(0.5, (frame - 40) / 60 - 0.13), 0.9]),
    };
    const { trace, events } = look(film(400, [still]));
    expect(trace.slice(100).every(({ people }) => people.length === 1)).toBe(true);
    expect(events.filter(({ kind }) => kind === 'alarm')).toMatchObject([]);
  });

  it('forgets somebody at once who was there when the camera began, and left', () => {
    const leaver: Body = {
      luma: 20,
      at: (frame) =>
        frame < 60 ? [0.3, 0.9] : frame < 120 ? [0.3 + (frame - 60) / 60, 0.9] : undefined,
    };
    const { trace } = look(film(220, [leaver]));
    expect(trace.slice(170).every(({ people }) => people.length === 0)).toBe(true);
  });

  it('raises alarms for a crowd and for a long wait, once each', () => {
    const waiter: Body = {
      luma: 20,
      at: (frame) => (frame < 40 ? undefined : [Math.min(0.7, (frame - 40) / 60 - 0.13), 0.9]),
    };
    const { events } = look(film(220, [waiter, walker(110, 30, 0.6)]));
    const alarms = events.filter((event) => event.kind === 'alarm').map(({ alarm }) => alarm);
    expect(alarms.toSorted()).toEqual(['crowd', 'waiting']);
  });

  it('gives the same events however its frames are cut into calls', () => {
    const frames = film(150, [walker(30), walker(70, 40, 0.7)]);
    const whole = look(frames, { chunk: 150 });
    expect(whole.events.length).toBeGreaterThan(3);
    for (const chunk of [1, 7]) {
      const { events, state } = look(frames, { chunk });
      expect(events).toEqual(whole.events);
      expect(state).toEqual(whole.state);
    }
  });

  it('rests while nothing moves and misses nobody by that', () => {
    const frames = film(300, [walker(110), walker(210)]);
    const awake = look(frames);
    const resting = look(frames, { settings: { ...SETTINGS, idleFps: 1 } });
    expect(awake.state.analysed).toBe(300);
    expect(resting.state.analysed).toBeLessThan(250);
    expect(lines(resting.events)).toEqual(lines(awake.events));
  });
});
