import { describe, expect, it } from 'vitest';
import { TroupeError } from '../../runtime/core/errors.ts';
import { Actor, ActorError } from '../../runtime/actor/index.ts';
import { codeOf, createStage, errorOf, rounds, until, type Stage } from './stage.ts';
import { guarantee, type Open, type Running, type StoreTap } from './table.ts';

class Source extends Actor {
  static readonly type = 'Source';
  readonly #sent = this.state('sent', { initial: (): string[] => [] });

  /** Safe to repeat: it knows what it has sent. */
  async send(items: string[]): Promise<void> {
    const sent = await this.#sent.get();
    for (const item of items) {
      if (sent.includes(item)) continue;
      sent.push(item);
      for (const sink of ['s', 't']) this.ctx.outbox.ref<Sink>('Sink', sink).take(item);
      this.ctx.outbox.publish('items', item);
    }
  }

  async sendTo({ sink, items }: { sink: string; items: string[] }): Promise<void> {
    for (const item of items) this.ctx.outbox.ref<Sink>('Sink', sink).take(item);
  }

  async peekAt(sink: string): Promise<void> {
    this.ctx.outbox.ref<Sink>('Sink', sink).peek('peek');
    this.ctx.outbox.ref<Sink>('Sink', sink).take('after the peek');
  }

  async sendAndLeave(item: string): Promise<void> {
    this.ctx.outbox.ref<Sink>('Sink', 's').take(item);
    this.ctx.delete();
  }

  async leave(): Promise<void> {
    this.ctx.delete();
  }

  async publishToNowhere(): Promise<void> {
    this.ctx.outbox.publish('items', 1, { pubsub: 'nobody' });
  }
}

class Sink extends Actor<Stage> {
  static readonly type = 'Sink';
  static readonly options = { readOnly: ['peek', 'taken'] };
  readonly #taken = this.state('taken', { initial: (): string[] => [] });

  async take(item: string): Promise<void> {
    if (item.startsWith('held')) await this.ctx.services.gate(item);
    if (item === 'slow') await this.ctx.sleep('5s').catch(() => {});
    const { type, id } = this.ctx.caller ?? { type: 'nobody', id: '' };
    this.ctx.services.log.push(`${this.ctx.id} takes ${item} from ${type}/${id}`);
    (await this.#taken.get()).push(item);
    if (item === 'leave') this.ctx.delete();
  }

  async peek(item: string): Promise<void> {
    this.ctx.services.log.push(item);
  }

  async refuse(): Promise<void> {
    throw new ActorError('REFUSED', 'no');
  }

  async taken(): Promise<string[]> {
    return this.#taken.get();
  }
}

const actors = [Source, Sink];
const ITEMS = ['1', '2', '3'];

interface Crash {
  /** Which transaction of the actor store, from 1. */
  readonly write: number;
  readonly when: 'before' | 'after';
  readonly dedupe?: boolean;
}

interface Effects {
  readonly s: string[];
  readonly t: string[];
  /** False when the run had fewer transactions than that. */
  readonly crashed: boolean;
  readonly pending: number;
}

/** Sends every item, crashing at one transaction; the sender's caller asks again after the restart. */
async function effectsOf(open: Open, { write, when, dedupe = true }: Crash): Promise<Effects> {
  let ending: Promise<void> | undefined;
  const crash = (moment: Crash['when'], number: number): void => {
    if (ending || number !== write || moment !== when) return;
    ending = host.crash();
    throw new TroupeError('UNAVAILABLE', 'the host has crashed');
  };
  const tap: StoreTap = {
    before: (_keys, number) => crash('before', number),
    after: (_keys, number) => crash('after', number),
  };
  await using host: Running = await open({ actors, services: createStage(), dedupe, tap });
  for (const item of ITEMS) {
    await host
      .ref<Source>('Source', 'a')
      .send([item])
      .catch(() => {});
    await host.settled();
    if (ending) break;
  }
  await ending;
  if (ending) await host.restart();
  await host.ref<Source>('Source', 'a').send(ITEMS);
  await host.clock.advance('10m');
  const taken = (id: string): Promise<string[]> => host.ref<Sink>('Sink', id).taken();
  const pending = host.system.stats().pendingOutbox;
  return { s: await taken('s'), t: await taken('t'), crashed: ending !== undefined, pending };
}

async function everyCrash(open: Open, dedupe: boolean): Promise<(Effects & { at: string })[]> {
  const outcomes: (Effects & { at: string })[] = [];
  for (let write = 1; ; write++) {
    for (const when of ['before', 'after'] as const) {
      const effects = await effectsOf(open, { write, when, dedupe });
      if (!effects.crashed) return outcomes;
      outcomes.push({ ...effects, at: `${when} write ${write}` });
    }
  }
}

const wrong = ({ s, t, pending }: Effects): boolean =>
  pending > 0 || [s, t].some((taken) => taken.join() !== ITEMS.join());

guarantee(4, 'at most once, or exactly once when durable', (open) => {
  it('a durable send takes effect once and in order, whichever transaction a crash falls on', async () => {
    const outcomes = await everyCrash(open, true);
    expect(outcomes.length).toBeGreaterThan(15);
    expect(outcomes.filter(wrong)).toEqual([]);
  });

  it('negative control: without dedupe the same check finds repeated effects', async () => {
    const outcomes = (await everyCrash(open, false)).filter(wrong);
    expect(outcomes).not.toEqual([]);
    expect(outcomes.some(({ s }) => s.length > ITEMS.length)).toBe(true);
  });

  it('names the sender as the caller, keeps the order of each receiver, and does not wait for others', async () => {
    const stage = createStage();
    await using host = await open({ actors, services: stage });
    const source = host.ref<Source>('Source', 'a');
    await source.sendTo({ sink: 's', items: ['held', 'x', 'y'] });
    await source.sendTo({ sink: 't', items: ['z'] });
    await until(() => stage.log.length === 1, 'the other receiver has its item');
    expect(stage.log).toEqual(['t takes z from Source/a']);
    stage.open('held');
    await host.settled();
    expect(await host.ref<Sink>('Sink', 's').taken()).toEqual(['held', 'x', 'y']);
  });

  it('an event of a turn that commits is published, and an unknown component is refused at once', async () => {
    const seen: unknown[] = [];
    await using host = await open({ actors, services: createStage() });
    const subscribe = () =>
      host.system.subscribe({ topic: 'items' }, async ({ id, data }) => void seen.push([id, data]));
    await subscribe();
    await host.ref<Source>('Source', 'a').send(['1']);
    await host.settled();
    expect(seen).toEqual([[expect.any(String), '1']]);
    expect(await codeOf(host.ref<Source>('Source', 'a').publishToNowhere())).toBe('NOT_FOUND');
  });

  it('a message that its receiver takes before it can remember anything is taken once', async () => {
    await using host = await open({ actors, services: createStage() });
    await host.ref<Source>('Source', 'a').peekAt('fresh');
    await host.settled();
    expect(await host.ref<Sink>('Sink', 'fresh').taken()).toEqual(['after the peek']);
    expect(host.system.stats()).toMatchObject({ pendingOutbox: 0, parkedMessages: 0 });
  });

  describe('deletion', () => {
    it('sends what the deleting turn sent, and drops what was still undelivered', async () => {
      const stage = createStage();
      await using host = await open({ actors, services: stage });
      const source = host.ref<Source>('Source', 'a');
      await source.sendTo({ sink: 's', items: ['held', 'dropped'] });
      await until(() => stage.held('held') === 1, 'the first item is being delivered');
      await source.sendAndLeave('last');
      stage.open('held');
      await host.settled();
      expect(await host.ref<Sink>('Sink', 's').taken()).toEqual(['held', 'last']);
      expect(host.system.stats().pendingOutbox).toBe(0);
    });

    it('does not let the end of an old send take away a new one of the actor that came back', async () => {
      const stage = createStage();
      await using host = await open({ actors, services: stage });
      const source = host.ref<Source>('Source', 'a');
      await source.sendTo({ sink: 's', items: ['held'] });
      await until(() => stage.held('held') === 1, 'the old send is under way');
      await source.leave();
      await source.sendTo({ sink: 't', items: ['held too'] });
      stage.open('held');
      await until(() => stage.log.length === 1, 'the old send ends');
      await rounds();
      await host.restart();
      stage.open('held too');
      await host.settled();
      expect(await host.ref<Sink>('Sink', 't').taken()).toEqual(['held too']);
    });

    it('a receiver that deletes itself on a message does not take it again after a crash', async () => {
      let losing = true;
      const tap: StoreTap = {
        before(keys) {
          const isRemoval =
            losing && keys.length > 0 && keys.every((key) => key.includes('$outbox'));
          if (isRemoval) throw new TroupeError('UNAVAILABLE', 'not now');
        },
      };
      const stage = createStage();
      await using host = await open({ actors, services: stage, tap });
      await host.ref<Source>('Source', 'a').sendTo({ sink: 's', items: ['leave'] });
      await host.settled();
      losing = false;
      await host.restart();
      await host.settled();
      expect(stage.log).toEqual(['s takes leave from Source/a']);
    });
  });

  it('a message that cannot be delivered yet is kept and tried again', async () => {
    let failing = true;
    const tap: StoreTap = {
      before(keys) {
        if (failing && keys.some((key) => key.includes('Sink||s||')))
          throw new TroupeError('UNAVAILABLE', 'not now');
      },
    };
    await using host = await open({ actors, services: createStage(), tap });
    await host.ref<Source>('Source', 'a').sendTo({ sink: 's', items: ['1', '2'] });
    await host.clock.advance('1h');
    expect(host.system.stats()).toMatchObject({ pendingOutbox: 1, parkedMessages: 0 });
    failing = false;
    await host.clock.advance('1m');
    expect(await host.ref<Sink>('Sink', 's').taken()).toEqual(['1', '2']);
    expect(host.system.stats().pendingOutbox).toBe(0);
  });

  describe('a plain call', () => {
    it('that timed out while it ran says that the outcome is unknown', async () => {
      await using host = await open({ actors, services: createStage() });
      const sink = host.ref<Sink>('Sink', 's');
      const call = errorOf(sink.take('slow', { timeout: 1000 }));
      await host.clock.advance('2s');
      expect(await call).toMatchObject({ code: 'TIMEOUT', details: { started: true } });
      expect((await call).message).toContain('unknown');
      await host.clock.advance('4s');
      expect(await sink.taken(), 'and here it did take effect').toEqual(['slow']);
    });

    it('whose time ended while it waited says that it did not start, and never runs', async () => {
      await using host = await open({ actors, services: createStage() });
      const sink = host.ref<Sink>('Sink', 's');
      const first = sink.take('slow');
      const call = errorOf(sink.take('late', { timeout: 1000 }));
      await host.clock.advance('10s');
      await first;
      expect(await call).toMatchObject({ code: 'TIMEOUT', details: { started: false } });
      expect((await call).message).toContain('did not start');
      expect(await sink.taken()).toEqual(['slow']);
    });
  });
});
