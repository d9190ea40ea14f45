import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { component } from '../../runtime/config/component.ts';
import { Actor } from '../../runtime/actor/index.ts';
import { codeOf, createStage, errorOf, until, type Stage } from './stage.ts';
import { guarantee, type Open, type Running } from './table.ts';

class Account extends Actor<Stage> {
  static readonly type = 'Account';
  readonly #balance = this.state('balance', { initial: () => 0 });

  async add(amount: number): Promise<number> {
    const balance = (await this.#balance.get()) + amount;
    this.#balance.set(balance);
    return balance;
  }

  async balance(): Promise<number> {
    return this.#balance.get();
  }

  async epoch(): Promise<number | undefined> {
    return this.ctx.epoch;
  }

  /** Pays everything out and closes the account. */
  async close(): Promise<void> {
    this.ctx.outbox.ref<Account>('Account', 'cash').add(await this.#balance.get());
    this.ctx.delete();
  }

  async pay(to: string): Promise<void> {
    this.#balance.set((await this.#balance.get()) - 1);
    this.ctx.outbox.ref<Account>('Account', to).addSlowly(1);
  }

  async addSlowly(amount: number): Promise<void> {
    await this.ctx.services.gate('slow');
    await this.add(amount);
  }

  async remind(): Promise<void> {
    await this.ctx.reminders.set('interest', { due: '1m' });
  }

  override async onReminder(): Promise<void> {
    await this.add(100);
  }

  /** Breaks the guarantee on purpose: an effect outside the store. */
  async shout(): Promise<void> {
    this.ctx.services.log.push(`${this.ctx.services.log.length}`);
  }
}

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'troupe-fenced-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A host on the database of this test; each call is another process as far as the store can see. */
function openOnFile(open: Open, stage: Stage = createStage()): Promise<Running> {
  const connectionString = join(folder, 'state.db');
  const components = [
    component('statestore', 'state.sqlite', { connectionString, actorStateStore: 'true' }),
    component('pubsub', 'pubsub.in-memory'),
  ];
  return open({ actors: [Account], services: stage, components });
}

const account = (host: Running, id = 'a') => host.ref<Account>('Account', id);

guarantee(3, 'fenced', (open) => {
  it('the newer host wins, the older one is refused from then on and steals nothing back', async () => {
    await using older = await openOnFile(open);
    expect(await account(older).add(1)).toBe(1);
    await using newer = await openOnFile(open);
    expect(await account(newer).add(1)).toBe(2);
    for (let i = 0; i < 5; i++) {
      expect(await codeOf(account(older).add(10))).toBe('FENCED');
      expect(await account(newer).add(1)).toBe(3 + i);
    }
    expect(await codeOf(account(older, 'untouched').add(1))).toBe('FENCED');
    expect(await account(newer).balance()).toBe(7);
    expect(older.logs.filter(({ level }) => level === 'error')).toHaveLength(1);
  });

  it('negative control: effects that pass by the store are not fenced', async () => {
    const stage = createStage();
    await using older = await openOnFile(open, stage);
    await account(older).shout();
    await using newer = await openOnFile(open, stage);
    await account(newer).shout();
    await account(older).shout();
    expect(stage.log).toEqual(['0', '1', '2']);
  });

  it('the epoch grows with every activation that commits', async () => {
    await using host = await openOnFile(open);
    const epochs: unknown[] = [await account(host).epoch()];
    for (let i = 0; i < 3; i++) {
      await account(host).add(1);
      epochs.push(await account(host).epoch());
      await host.hibernate('Account', 'a');
    }
    expect(epochs).toEqual([undefined, 1, 2, 3]);
  });

  it('what a new owner read before its claim is not committed when the old one changed it meanwhile', async () => {
    await using older = await openOnFile(open);
    await account(older).add(1);
    await using newer = await openOnFile(open);
    expect(await account(newer).balance(), 'read, but not claimed').toBe(1);
    await account(older).add(1);
    const error = await errorOf(account(newer).add(10));
    expect(error).toMatchObject({ code: 'FENCED', retryable: true });
    expect(await account(newer).add(10), 'it has started anew').toBe(12);
    expect(await codeOf(account(older).add(1))).toBe('FENCED');
  });

  it('nor is a deletion that was decided on stale state', async () => {
    await using older = await openOnFile(open);
    await account(older).add(1);
    await using newer = await openOnFile(open);
    expect(await account(newer).balance()).toBe(1);
    await account(older).add(1);
    expect(await codeOf(account(newer).close())).toBe('FENCED');
    await account(newer).close();
    await newer.settled();
    expect(await account(newer, 'cash').balance()).toBe(2);
  });

  it('what the old owner had not sent yet takes effect once', async () => {
    const slow = createStage();
    await using older = await openOnFile(open, slow);
    await account(older).pay('b');
    await until(() => slow.held('slow') === 1, 'the older host delivers');
    const fast = createStage();
    fast.open('slow');
    await using newer = await openOnFile(open, fast);
    await newer.settled();
    expect(await account(newer, 'b').balance(), 'the newer host delivered it').toBe(1);
    slow.open('slow');
    await older.settled();
    await older.clock.advance('1h');
    expect(older.system.stats()).toMatchObject({ pendingOutbox: 0, parkedMessages: 0 });
    await newer.restart();
    await newer.settled();
    expect(await account(newer, 'b').balance()).toBe(1);
    expect(await account(newer).balance()).toBe(-1);
  });

  it('what it sent after the newer host had started is sent by the newer one when it takes the actor over', async () => {
    const slow = createStage();
    await using older = await openOnFile(open, slow);
    await account(older).add(1);
    const fast = createStage();
    fast.open('slow');
    await using newer = await openOnFile(open, fast);
    await account(older).pay('b');
    await account(newer, 'c').add(1);
    expect(await codeOf(account(older, 'c').add(1)), 'the older one learns that it is fenced').toBe(
      'FENCED',
    );
    await account(newer).pay('b');
    await newer.settled();
    expect(await account(newer, 'b').balance(), 'both payments, the older first').toBe(2);
    slow.open('slow');
    await older.settled();
    await newer.restart();
    await newer.settled();
    expect(await account(newer, 'b').balance()).toBe(2);
  });

  it('a reminder that both hosts see fires once', async () => {
    await using older = await openOnFile(open);
    await account(older).remind();
    await using newer = await openOnFile(open);
    await Promise.all([older.clock.advance('2m'), newer.clock.advance('2m')]);
    await older.clock.advance('1h');
    await newer.clock.advance('1h');
    expect(await account(newer).balance()).toBe(100);
  });
});
