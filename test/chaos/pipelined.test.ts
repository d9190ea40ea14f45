/** Commits of pipelined turns that fail, one at a time and under the test's hands. */
import { describe, expect, it } from 'vitest';
import { isTroupeError } from '../../runtime/core/errors.ts';
import type { TestHost } from '../../runtime/testing/index.ts';
import { codeOf, createStage, errorOf, rounds, until, type Stage } from '../runtimes/stage.ts';
import { openFaulty } from './faulty-store.ts';
import { actors, createBench, Counter, Journal, type Bench } from './pipelined.fixture.ts';

async function opened(): Promise<{ host: TestHost; bench: Bench; stage: Stage }> {
  const bench = createBench();
  const stage = createStage();
  const host = await openFaulty({ actors, services: stage }, bench);
  // The first commit of an activation claims it and lets no other overtake it.
  await host.ref(Counter, 'c').add(10);
  bench.hold();
  return { host, bench, stage };
}

/** The answer, or the code of the error, when it has come. */
function watched(call: Promise<unknown>): { answer: unknown } {
  const seen: { answer: unknown } = { answer: undefined };
  call.then(
    (answer) => (seen.answer = answer),
    (error: unknown) => (seen.answer = isTroupeError(error) ? error.code : error),
  );
  return seen;
}

async function afterCrash(host: TestHost, bench: Bench): Promise<number> {
  bench.free();
  await host.crash();
  await host.restart();
  return host.ref(Counter, 'c').look();
}

describe('a commit with turns already running on top of it', () => {
  it.each([
    ['refused', 10],
    ['done unheard', 11],
  ] as const)('that ends %s fails them all and leaves nothing of them', async (outcome, left) => {
    const { host, bench } = await opened();
    await using _ = host;
    const counter = host.ref(Counter, 'c');
    const turns = [counter.add(), counter.tell(), counter.plan(), counter.look(), counter.tell()];
    const codes = turns.map((turn) => codeOf(turn));
    await bench.held(1);
    await rounds();
    bench.letGo(outcome);
    expect(await Promise.all(codes)).toEqual(Array(5).fill('UNAVAILABLE'));
    bench.free();
    expect(await counter.look()).toBe(left);
    await host.clock.advance('1h');
    expect(await host.ref(Journal, 'c').notes()).toEqual([]);
    expect(await counter.fired()).toEqual({});
    expect(await afterCrash(host, bench)).toBe(left);
  });

  it('goes on from what the store has: the next turns are committed as if nothing had been', async () => {
    const { host, bench } = await opened();
    await using _ = host;
    const counter = host.ref(Counter, 'c');
    const lost = [counter.add(), counter.tell()].map((turn) => codeOf(turn));
    await bench.held(1);
    await rounds();
    bench.letGo('refused');
    bench.free();
    await Promise.all(lost);
    expect(await Promise.all([counter.tell(), counter.add(), counter.tell()])).toEqual([
      11, 12, 13,
    ]);
    await host.settled();
    expect(await host.ref(Journal, 'c').notes()).toEqual([11, 13]);
    expect(await afterCrash(host, bench)).toBe(13);
  });

  it('that meets another owner fails them all, and the next turn sees the store', async () => {
    const { host, bench } = await opened();
    await using _ = host;
    const counter = host.ref(Counter, 'c');
    const turns = [counter.add(), counter.add(), counter.tell()];
    const codes = turns.map((turn) => codeOf(turn));
    await bench.held(1);
    await rounds();
    bench.letGo('conflict');
    expect(await Promise.all(codes)).toEqual(['FENCED', 'FENCED', 'FENCED']);
    bench.free();
    expect(await counter.add()).toBe(11);
  });

  it('that meets another owner leaves nothing for the turn that comes while the new owner is read', async () => {
    const { host, bench } = await opened();
    await using _ = host;
    const counter = host.ref(Counter, 'c');
    const lost = codeOf(counter.add(100));
    await bench.held(1);
    const letRead = bench.holdReads();
    bench.letGo('conflict');
    await rounds();
    expect(bench.heldReads, 'the ownership record is being read').toBeGreaterThan(0);
    const meanwhile = watched(counter.look());
    await rounds();
    letRead();
    bench.free();
    expect(await lost).toBe('FENCED');
    await rounds();
    expect(meanwhile.answer).not.toBe(110);
    expect(await counter.look()).toBe(10);
  });
});

describe('while a commit is on its way', () => {
  it('no answer leaves: not of a change, a read, nor a refusal', async () => {
    const { host, bench } = await opened();
    await using _ = host;
    const counter = host.ref(Counter, 'c');
    const [change, read, refusal] = [counter.add(), counter.look(), counter.refuse()].map(watched);
    await bench.held(1);
    await rounds();
    expect([change!.answer, read!.answer, refusal!.answer]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    bench.free();
    await rounds();
    expect([change!.answer, read!.answer, refusal!.answer]).toEqual([11, 11, 'REFUSED']);
  });

  it('a refusal that built on it is not answered when it fails', async () => {
    const { host, bench } = await opened();
    await using _ = host;
    const counter = host.ref(Counter, 'c');
    const added = codeOf(counter.add(90));
    const refused = errorOf(counter.refuse());
    await bench.held(1);
    await rounds();
    bench.letGo('refused');
    bench.free();
    expect(await added).toBe('UNAVAILABLE');
    expect((await refused).code, 'the count was never 100').toBe('UNAVAILABLE');
    expect((await errorOf(counter.refuse())).message).toContain('the count is 10');
  });

  it('no call leaves, and none at all when it fails', async () => {
    const { host, bench } = await opened();
    await using _ = host;
    const counter = host.ref(Counter, 'c');
    const added = codeOf(counter.add(90));
    const shown = codeOf(counter.show());
    await bench.held(1);
    await rounds();
    expect(await host.ref(Journal, 'c').notes()).toEqual([]);
    bench.letGo('refused');
    bench.free();
    expect([await added, await shown]).toEqual(['UNAVAILABLE', 'UNAVAILABLE']);
    expect(await host.ref(Journal, 'c').notes()).toEqual([]);
  });

  it('the turns that gather are one transaction, and their sends keep their order', async () => {
    const { host, bench } = await opened();
    await using _ = host;
    const counter = host.ref(Counter, 'c');
    const answers = Promise.all(Array.from({ length: 40 }, () => counter.tell()));
    await bench.held(1);
    await rounds();
    bench.letGo('done');
    await bench.held(1);
    bench.letGo('done');
    bench.free();
    expect(await answers).toEqual(Array.from({ length: 40 }, (_, i) => 11 + i));
    await host.settled();
    expect(await host.ref(Journal, 'c').notes()).toEqual(await answers);
  });
});

describe('a first commit that fails with a send in it', () => {
  it.each(['refused', 'done unheard'] as const)(
    'and is followed by another: only what is stored is sent, when it was %s',
    async (outcome) => {
      const bench = createBench();
      await using host = await openFaulty({ actors, services: createStage() }, bench);
      // The next activation finds an owner's record, and claims it with the epoch after.
      await host.ref(Counter, 'c').add(10);
      await host.restart();
      const counter = host.ref(Counter, 'c');
      bench.hold();
      const lost = codeOf(counter.tell(1));
      await bench.held(1);
      const letRead = bench.holdReads('$outbox');
      bench.letGo(outcome);
      bench.free();
      expect(await lost).toBe('UNAVAILABLE');
      await until(() => bench.heldReads === 1, 'the store is asked whether it has the send');
      const count = await counter.tell(5);
      letRead();
      await host.settled();
      const stored = outcome === 'refused' ? [count] : [11, count];
      expect(await host.ref(Journal, 'c').notes()).toEqual(stored);
      expect(host.system.stats().pendingOutbox).toBe(0);
      await host.restart();
      await host.settled();
      expect(await host.ref(Journal, 'c').notes()).toEqual(stored);
    },
  );
});

describe('a turn that still runs when what it builds on is lost', () => {
  it.each(['show', 'refuse', 'add', 'read other'] as const)(
    'is undone, and nothing of it leaves: it wanted to %s',
    async (then) => {
      const { host, bench, stage } = await opened();
      await using _ = host;
      const counter = host.ref(Counter, 'c');
      const added = codeOf(counter.add(90));
      const lingering = codeOf(counter.linger(then));
      await bench.held(1);
      await until(() => stage.held('go on') === 1, 'the turn lingers');
      bench.letGo('refused');
      bench.free();
      expect(await added).toBe('UNAVAILABLE');
      stage.open('go on');
      expect(await lingering).toBe('UNAVAILABLE');
      expect(await host.ref(Journal, 'c').notes()).toEqual([]);
      expect(await counter.add()).toBe(11);
    },
  );

  it('does not put what it had begun to read in the place of what the store has', async () => {
    const { host, bench, stage } = await opened();
    await using _ = host;
    const counter = host.ref(Counter, 'c');
    stage.open('go on');
    const added = codeOf(counter.add(90));
    await bench.held(1);
    const letRead = bench.holdReads();
    const reading = codeOf(counter.linger('read other'));
    await until(() => bench.heldReads === 1, 'the turn reads');
    bench.letGo('refused');
    bench.free();
    expect(await added).toBe('UNAVAILABLE');
    letRead();
    expect(await reading).toBe('UNAVAILABLE');
    expect(host.logs.map(({ message }) => message)).toEqual([]);
    expect(await counter.add()).toBe(11);
  });
});
