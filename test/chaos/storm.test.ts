/** A store that fails at random under pipelined turns: what was answered is there, and nothing else is. */
import { expect, it } from 'vitest';
import { isActorError, isTroupeError } from '../../runtime/core/errors.ts';
import type { TestHost } from '../../runtime/testing/index.ts';
import { createStage } from '../runtimes/stage.ts';
import { createStorm, openFaulty, type Storm } from './faulty-store.ts';
import { actors, Counter, Journal } from './pipelined.fixture.ts';
import { createDice, seedOfRun, type Dice } from './random.ts';

const SEEDS = 200;
const CALLS = 50;
const WEATHER = { before: 0.15, after: 0.1, reads: 0.05 };
const STEPS = ['add', 'tell', 'plan', 'look', 'refuse', 'show'] as const;
type Step = (typeof STEPS)[number];

interface Answered {
  readonly step: Step;
  /** The count after an addition, or the one that was seen. */
  readonly count: number;
}

/** The answers that came; how many additions nobody heard of again. */
interface Told {
  readonly answered: readonly Answered[];
  readonly unheard: number;
}

async function ask(host: TestHost, step: Step): Promise<Answered> {
  const counter = host.ref(Counter, 'c');
  try {
    return { step, count: await counter[step]() };
  } catch (error) {
    if (!isActorError(error)) throw error;
    return { step, count: Number(/\d+$/.exec(error.message)![0]) };
  }
}

/** Fifty calls, some at once and some after a pause, whatever becomes of each. */
async function storm(host: TestHost, dice: Dice, steps: readonly Step[]): Promise<Told> {
  const calls: Promise<Answered>[] = [];
  for (let i = 0; i < CALLS; i++) {
    const call = ask(host, steps[dice.between(0, steps.length - 1)]!);
    // It may fail before all are awaited together.
    call.catch(() => {});
    calls.push(call);
    if (dice.falls(0.3)) await new Promise((resolve) => setImmediate(resolve));
  }
  const settled = await Promise.allSettled(calls);
  const answered: Answered[] = [];
  let unheard = 0;
  for (const one of settled) {
    if (one.status === 'fulfilled') answered.push(one.value);
    else if (isTroupeError(one.reason) && /UNAVAILABLE|COMPONENT|FENCED/.test(one.reason.code))
      unheard++;
    else throw one.reason;
  }
  return { answered, unheard };
}

async function opened(dice: Dice): Promise<{ host: TestHost; weather: Storm }> {
  const weather = createStorm(dice, WEATHER);
  const host = await openFaulty({ actors, services: createStage() }, weather);
  return { host, weather };
}

async function eachSeed(run: (dice: Dice) => Promise<void>): Promise<void> {
  const first = seedOfRun();
  for (let seed = first; seed < first + SEEDS; seed++) {
    try {
      await run(createDice(seed));
    } catch (error) {
      throw new Error(`with TROUPE_TEST_SEED=${seed}: ${String(error)}`, { cause: error });
    }
  }
}

it('a counter has every addition that was answered, and none that was refused for certain', async () => {
  let failures = 0;
  await eachSeed(async (dice) => {
    const { host, weather } = await opened(dice);
    await using _ = host;
    weather.begin();
    const { answered, unheard } = await storm(host, dice, ['add']);
    weather.calm();
    await host.crash();
    await host.restart();
    const count = await host.ref(Counter, 'c').look();
    expect(count).toBeGreaterThanOrEqual(answered.length);
    expect(count).toBeLessThanOrEqual(answered.length + unheard);
    // Of additions whose commit certainly failed, none is in the count.
    if (weather.failed.after === 0) expect(count).toBe(answered.length);
    const counts = answered.map(({ count: at }) => at);
    expect(counts, 'each answer is of a state of its own, in the order of the calls').toEqual(
      [...new Set(counts)].toSorted((a, b) => a - b),
    );
    failures += weather.failed.before + weather.failed.after;
  });
  expect(failures, 'the store did fail').toBeGreaterThan(SEEDS);
});

it('every addition that is stored has its sends and reminders, once and in order, and no other has', async () => {
  let doubtful = 0;
  await eachSeed(async (dice) => {
    const { host, weather } = await opened(dice);
    await using _ = host;
    weather.begin();
    const steps = ['tell', 'tell', 'plan', 'look', 'refuse'] as const;
    const { answered } = await storm(host, dice, steps);
    if (dice.falls(0.5)) await host.clock.advance('5s');
    weather.calm();
    if (dice.falls(0.5)) await host.restart();
    await host.clock.advance('2h');
    const counter = host.ref(Counter, 'c');
    const [count, fired] = [await counter.look(), await counter.fired()];
    const notes = await host.ref(Journal, 'c').notes();
    const planned = Object.keys(fired).map((name) => Number(name.slice(1)));
    expect(Object.values(fired).filter((times) => times !== 1)).toEqual([]);
    expect(notes, 'in the order of sending').toEqual(notes.toSorted((a, b) => a - b));
    expect([...notes, ...planned].toSorted((a, b) => a - b)).toEqual(
      Array.from({ length: count }, (_, i) => i + 1),
    );
    for (const { step, count: at } of answered) {
      if (step === 'tell') expect(notes).toContain(at);
      if (step === 'plan') expect(planned).toContain(at);
      expect(at, `what ${step} told is at most what is stored`).toBeLessThanOrEqual(count);
    }
    const { pendingOutbox, parkedMessages } = host.system.stats();
    expect([pendingOutbox, parkedMessages]).toEqual([0, 0]);
    doubtful += weather.failed.after;
  });
  expect(doubtful, 'commits did end without an answer').toBeGreaterThan(SEEDS);
});

it('whatever left was durable when it left: a crash at once takes no answer and no call back', async () => {
  await eachSeed(async (dice) => {
    const { host, weather } = await opened(dice);
    await using _ = host;
    weather.begin();
    const seen: number[] = [];
    for (let i = 0; i < CALLS; i++) {
      const step = STEPS[dice.between(0, STEPS.length - 1)]!;
      void ask(host, step).then(
        ({ count }) => seen.push(count),
        () => {},
      );
      if (dice.falls(0.3)) await new Promise((resolve) => setImmediate(resolve));
    }
    for (let i = dice.between(0, 40); i > 0; i--)
      await new Promise((resolve) => setImmediate(resolve));
    const answered = [...seen];
    weather.calm();
    await host.crash();
    await host.restart();
    const count = await host.ref(Counter, 'c').look();
    for (const at of answered) expect(at).toBeLessThanOrEqual(count);
    await host.clock.advance('2h');
    const notes = await host.ref(Journal, 'c').notes();
    for (const at of notes) expect(at).toBeLessThanOrEqual(count);
  });
});
