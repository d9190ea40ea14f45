import { expect, it } from 'vitest';
import { collectGarbage, createLook } from './idle-memory.ts';

const MB = 2 ** 20;

/** A process whose memory and load are set, and which collects down to `live`. */
function machine() {
  const state = { resident: 80 * MB, busy: 0, live: 80 * MB };
  const look = createLook({
    resident: () => state.resident,
    busy: () => state.busy,
    collect: () => void (state.resident = state.live),
  });
  return { state, look };
}

it('collects when a burst is over, and not while memory is taken or time is short', () => {
  const { state, look } = machine();
  expect(look()).toBe(false);
  state.resident = 300 * MB;
  expect(look()).toBe(false);
  state.busy = 0.9;
  expect(look()).toBe(false);
  state.busy = 0.1;
  expect(look()).toBe(true);
  expect(state.resident).toBe(80 * MB);
  expect(look()).toBe(false);
});

it('leaves alone what is in use, and what is little', () => {
  const { state, look } = machine();
  state.resident = state.live = 300 * MB;
  look();
  expect(look()).toBe(true);
  state.resident += 10 * MB;
  for (let i = 0; i < 10; i++) expect(look()).toBe(false);
});

it('gives the heap of a burst back', () => {
  let kept: object[] | undefined = Array.from({ length: 400_000 }, (_, i) => ({ i }));
  const before = process.memoryUsage().heapUsed;
  expect(kept).toHaveLength(400_000);
  kept = undefined;
  collectGarbage();
  expect(before - process.memoryUsage().heapUsed).toBeGreaterThan(10 * MB);
});

it('rests between two collections', () => {
  const { state, look } = machine();
  const burst = (): number => {
    state.resident = 300 * MB;
    let looks = 1;
    while (!look()) looks += 1;
    return looks;
  };
  expect(burst()).toBe(2);
  expect(burst()).toBe(4);
});
