/** The actors that the behaviours are shown with. */
import { Actor, ActorError, type CloudEvent, type Firing } from '../../../runtime/actor/index.ts';
import type { Services } from './stage.ts';

interface Count {
  value: number;
}

/** Not reentrant, with a read-only method. */
export class Probe extends Actor<Services> {
  static readonly type: string = 'Probe';
  static readonly options: object = { readOnly: ['look', 'lookHeld', 'lookAndWrite'] };
  readonly #count = this.state<Count>('count', { initial: () => ({ value: 0 }) });
  readonly #other = this.state<Count>('other', { initial: () => ({ value: 0 }) });

  get #stage(): Services {
    return this.ctx.services;
  }

  async add(by: number): Promise<number> {
    return ((await this.#count.get()).value += by);
  }

  async look(): Promise<{ count: number; other: number }> {
    const [count, other] = [await this.#count.get(), await this.#other.get()];
    return { count: count.value, other: other.value };
  }

  /** Two actors' turns may run at once, two of one actor may not. */
  async addSlowly(): Promise<void> {
    const { running } = this.#stage;
    const mine = running.get(this.ctx.id) ?? { now: 0, most: 0 };
    running.set(this.ctx.id, mine);
    mine.most = Math.max(mine.most, ++mine.now);
    const { value } = await this.#count.get();
    await new Promise((resolve) => setImmediate(resolve));
    (await this.#count.get()).value = value + 1;
    mine.now--;
  }

  async note(text: string): Promise<void> {
    this.#stage.log.push(text);
  }

  async hold(gate: string): Promise<void> {
    this.#stage.log.push(`${gate} begins`);
    await this.#stage.gate(gate);
    this.#stage.log.push(`${gate} ends`);
  }

  async lookHeld(gate: string): Promise<void> {
    await this.hold(gate);
  }

  async lookAndWrite(): Promise<void> {
    (await this.#count.get()).value = 1000;
  }

  async setBothAndThrow(kind: 'application' | 'bug'): Promise<never> {
    (await this.#count.get()).value = 1000;
    (await this.#other.get()).value = 1000;
    this.ctx.outbox.ref<Probe>('Probe', `${this.ctx.id}-sent`).add(1);
    this.ctx.timers.set('never', { due: 0, method: 'note', data: `${this.ctx.id} timer` });
    await this.ctx.reminders.set('never', { due: '1h' });
    if (kind === 'bug') throw new TypeError('the password is hunter2');
    throw new ActorError('SOLD_OUT', 'none left', {
      details: { sku: '85123A', left: 0, more: [{ deep: null }] },
      status: 409,
    });
  }

  async setBoth(value: number): Promise<void> {
    (await this.#count.get()).value = value;
    (await this.#other.get()).value = value;
  }

  async remindLater(): Promise<void> {
    await this.ctx.reminders.set('later', { due: '1h' });
  }

  async reminder(name: string): Promise<unknown> {
    const found = await this.ctx.reminders.get(name);
    return found && { name: found.name, data: found.data };
  }

  async callSelf(): Promise<number> {
    return this.ctx.ref<Probe>('Probe', this.ctx.id).add(1);
  }

  async callVia(other: string): Promise<unknown> {
    return this.ctx.ref<Probe>('Probe', other).callBack(this.ctx.id);
  }

  async callBack(id: string): Promise<unknown> {
    return this.ctx.ref<Probe>('Probe', id).add(1);
  }

  /** Calls another when told to. */
  async cross({ to, gate }: { to: string; gate: string }): Promise<number> {
    this.#stage.log.push(`${gate} begins`);
    await this.#stage.gate(gate);
    return this.ctx.ref<Probe>('Probe', to).add(1);
  }

  async callerOf(id: string): Promise<unknown> {
    return this.ctx.ref<Probe>('Probe', id).caller();
  }

  async caller(): Promise<unknown> {
    return this.ctx.caller ?? 'outside';
  }

  async timeLeft(): Promise<number> {
    return this.ctx.deadline - this.ctx.now();
  }

  async timesLeft(inner: string): Promise<number[]> {
    const mine = await this.timeLeft();
    return [mine, await this.ctx.ref<Probe>('Probe', inner).timeLeft()];
  }

  async untilGivenUp(gate: string): Promise<void> {
    const { log } = this.#stage;
    log.push(`${gate} begins`);
    const { signal } = this.ctx;
    await new Promise<void>((resolve) => {
      signal.addEventListener('abort', () => resolve());
      void this.#stage.gate(gate).then(resolve);
    });
    log.push(`${gate} ${signal.aborted ? 'was given up' : 'went on'}`);
  }

  async send(to: string): Promise<void> {
    const other = this.ctx.outbox.ref<Probe>('Probe', to);
    for (const by of [1, 2, 3]) other.add(by);
    for (const text of ['one', 'two', 'three']) other.note(`${to} ${text}`);
  }

  async announce(id: string): Promise<void> {
    (await this.#count.get()).value++;
    this.ctx.outbox.publish('news', { id, text: 'from the outbox' });
  }

  async echo(value: unknown): Promise<unknown> {
    return value;
  }

  async leave(): Promise<void> {
    this.ctx.delete();
  }
}

/** A chain that comes back to it runs inside the turn that waits. */
export class Spiral extends Probe {
  static override readonly type = 'Spiral';
  static override readonly options = { reentrant: { maxDepth: 3 } };
  readonly #depth = this.state<Count>('depth', { initial: () => ({ value: 0 }) });

  async down(times: number): Promise<number> {
    const depth = await this.#depth.get();
    depth.value++;
    if (times > 1) await this.ctx.ref<Spiral>('Spiral', this.ctx.id).down(times - 1);
    return depth.value;
  }

  async roundTrip(other: string): Promise<number> {
    (await this.#depth.get()).value = 10;
    return this.ctx.ref<Spiral>('Spiral', other).bounce(this.ctx.id);
  }

  async bounce(id: string): Promise<number> {
    return this.ctx.ref<Spiral>('Spiral', id).down(1);
  }

  async failInside(): Promise<number> {
    (await this.#depth.get()).value = 5;
    const self = this.ctx.ref<Spiral>('Spiral', this.ctx.id);
    await self.setDepthAndThrow(100).catch(() => {});
    return (await this.#depth.get()).value;
  }

  async setDepthAndThrow(value: number): Promise<never> {
    (await this.#depth.get()).value = value;
    throw new ActorError('NO', 'not this way');
  }
}

/** Reminders and timers. */
export class Waker extends Actor<Services> {
  static readonly type = 'Waker';
  readonly #fired = this.state<Record<string, number>>('fired', { initial: () => ({}) });

  async remind(options: {
    name: string;
    due: string;
    period?: string;
    data?: unknown;
  }): Promise<void> {
    const { name, ...rest } = options;
    await this.ctx.reminders.set(name, rest);
  }

  async unremind(name: string): Promise<void> {
    await this.ctx.reminders.delete(name);
  }

  async reminder(name: string): Promise<unknown> {
    const found = await this.ctx.reminders.get(name);
    return found && { name: found.name, data: found.data };
  }

  async time(options: {
    name: string;
    due: string;
    period?: string;
    data?: unknown;
  }): Promise<void> {
    const { name, ...rest } = options;
    this.ctx.timers.set(name, { ...rest, method: 'ticked' });
  }

  async untime(name: string): Promise<void> {
    this.ctx.timers.delete(name);
  }

  async ticked(data: { name: string }): Promise<void> {
    await this.#count(data.name);
  }

  async fired(): Promise<Record<string, number>> {
    return this.#fired.get();
  }

  override async onReminder({ name, data, due }: Firing): Promise<void> {
    const early = due > Date.now() ? ' early' : '';
    this.ctx.services.log.push(`${this.ctx.id} ${name} ${JSON.stringify(data)}${early}`);
    const times = await this.#count(name);
    if (name.startsWith('failing') && times < 2) {
      this.ctx.services.log.push(`${this.ctx.id} fails`);
      throw new ActorError('NOT_YET', 'the first time it fails');
    }
  }

  /** In state for those that succeed; failures leave no trace there, so the log has them. */
  async #count(name: string): Promise<number> {
    const fired = await this.#fired.get();
    fired[name] = (fired[name] ?? 0) + 1;
    const failures = this.ctx.services.log.filter((line) => line === `${this.ctx.id} fails`);
    return fired[name] + failures.length;
  }
}

/** Leaves memory when it was idle for a second. */
export class Sleeper extends Actor<Services> {
  static readonly type = 'Sleeper';
  static readonly options = { idleTimeout: '1s' };
  readonly #visits = this.state<Count>('visits', { initial: () => ({ value: 0 }) });
  #inMemory = 0;

  override onActivate(): void {
    this.ctx.services.log.push(`${this.ctx.id} wakes`);
  }

  override onDeactivate(): void {
    this.ctx.services.log.push(`${this.ctx.id} sleeps`);
  }

  async visit(): Promise<{ stored: number; inMemory: number }> {
    return { stored: ++(await this.#visits.get()).value, inMemory: ++this.#inMemory };
  }
}

/** Takes the events of a topic. */
export class Reader extends Actor<Services> {
  static readonly type = 'Reader';
  static readonly subscriptions = [
    {
      topic: 'news',
      method: 'read',
      id: (event: CloudEvent): string => (event.data as { id: string }).id,
    },
  ];
  readonly #read = this.state<string[]>('read', { initial: () => [] });

  async read(event: CloudEvent<{ text: string }>): Promise<void> {
    (await this.#read.get()).push(`${event.topic}: ${event.data.text}`);
  }

  async all(): Promise<string[]> {
    return this.#read.get();
  }
}

export const ACTORS = [Probe, Spiral, Waker, Sleeper, Reader];
