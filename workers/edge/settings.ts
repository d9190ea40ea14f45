/** A camera's settings: their defaults, and what they may be. */
import { TroupeError } from '../../runtime/core/errors.ts';
import type { CameraSettings } from './messages.ts';

export const DEFAULT_SETTINGS: CameraSettings = {
  fps: 10,
  idleFps: 2,
  idleAfter: 5,
  lines: [],
  zones: [],
  minArea: 0.008,
  heatEvery: 10,
  crowd: 0,
  waiting: 0,
  longestStay: 300,
};

const NUMBERS: Readonly<Record<string, readonly [least: number, most: number]>> = {
  fps: [0.1, 30],
  idleFps: [0.1, 30],
  idleAfter: [0, 3600],
  minArea: [0.0005, 0.5],
  heatEvery: [1, 600],
  crowd: [0, 1000],
  waiting: [0, 86_400],
  longestStay: [10, 86_400],
};
const MOST_SHAPES = 16;
const NAME = /^[\w.-]{1,32}$/;

type Fail = (what: string) => never;

function isPlace(value: unknown, length: 2 | 4): boolean {
  return (
    Array.isArray(value) &&
    value.length === length &&
    value.every((part) => typeof part === 'number' && part >= 0 && part <= 1)
  );
}

function checkShapes(
  field: string,
  list: unknown,
  parts: Readonly<Record<string, 2 | 4>>,
  fail: Fail,
) {
  if (!Array.isArray(list) || list.length > MOST_SHAPES) {
    fail(`${field} is a list of at most ${MOST_SHAPES}`);
  }
  const names = new Set<unknown>();
  for (const shape of list as Record<string, unknown>[]) {
    const name = shape?.['name'];
    if (typeof name !== 'string' || !NAME.test(name) || names.has(name)) {
      fail(`${field} have names of their own, of up to 32 letters, digits, dots and dashes`);
    }
    names.add(name);
    for (const [part, length] of Object.entries(parts)) {
      if (!isPlace(shape[part], length))
        fail(`${field}: ${part} of ${name} is ${length} numbers from 0 to 1`);
    }
  }
}

/**
 * Settings in full, from those that were given.
 *
 * @throws TroupeError INVALID_ARGUMENT that names camera and field.
 */
export function readSettings(camera: string, given: unknown): CameraSettings {
  const fail: Fail = (what) => {
    throw new TroupeError('INVALID_ARGUMENT', `settings of the camera ${camera}: ${what}`);
  };
  if (typeof given !== 'object' || given === null || Array.isArray(given)) fail('are an object');
  const all = { ...DEFAULT_SETTINGS, ...(given as Partial<CameraSettings>) };
  for (const [name, value] of Object.entries(all)) {
    const range = NUMBERS[name];
    if (range) {
      const [least, most] = range;
      if (typeof value !== 'number' || !(value >= least && value <= most)) {
        fail(`${name} is a number from ${least} to ${most}`);
      }
    } else if (!Object.hasOwn(DEFAULT_SETTINGS, name)) {
      fail(`there is no "${name}"; there are ${Object.keys(DEFAULT_SETTINGS).join(', ')}`);
    }
  }
  checkShapes('lines', all.lines, { from: 2, to: 2 }, fail);
  for (const { name, from, to } of all.lines) {
    if (from[0] === to[0] && from[1] === to[1]) fail(`lines: ${name} ends where it begins`);
  }
  checkShapes('zones', all.zones, { box: 4 }, fail);
  return all;
}
