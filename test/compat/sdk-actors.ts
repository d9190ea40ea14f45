/** A counter, a reminder and a timer as they are written for Dapr's JavaScript SDK. Nothing of Troupe is in here. */
import { AbstractActor, Temporal } from '@dapr/dapr';

const seconds = (n: number): Temporal.Duration =>
  Temporal.Duration.from({ milliseconds: n * 1000 });

export class CounterActor extends AbstractActor {
  async count(): Promise<number> {
    const [isThere, value] = await this.getStateManager<number>().tryGetState('count');
    return isThere ? value! : 0;
  }

  async add(by: number): Promise<number> {
    const next = (await this.count()) + by;
    await this.getStateManager<number>().setState('count', next);
    return next;
  }

  async addBoth(one: number, other: number): Promise<number> {
    await this.add(one);
    return this.add(other);
  }

  async addAndFail(by: number): Promise<void> {
    await this.add(by);
    throw new Error('after all, no');
  }

  async clear(): Promise<void> {
    await this.getStateManager<number>().removeState('count');
  }
}

export class ReminderActor extends AbstractActor {
  async arm(period: number): Promise<void> {
    const due = seconds(1);
    await this.registerActorReminder('wake', due, seconds(period), undefined, 10);
  }

  async disarm(): Promise<void> {
    await this.unregisterActorReminder('wake');
  }

  override async receiveReminder(data: unknown): Promise<void> {
    const [, before] = await this.getStateManager<number>().tryGetState('woken');
    await this.getStateManager<number>().setState('woken', (before ?? 0) + Number(data));
  }

  async woken(): Promise<number> {
    const [, value] = await this.getStateManager<number>().tryGetState('woken');
    return value ?? 0;
  }
}

export class TimerActor extends AbstractActor {
  #activated = 0;

  override async onActivate(): Promise<void> {
    this.#activated++;
  }

  async arm(by: number): Promise<void> {
    await this.registerActorTimer('tick', 'tick', seconds(0.2), seconds(0.2), undefined, by);
  }

  async disarm(): Promise<void> {
    await this.unregisterActorTimer('tick');
  }

  async tick(by: number): Promise<void> {
    const [, before] = await this.getStateManager<number>().tryGetState('ticks');
    await this.getStateManager<number>().setState('ticks', (before ?? 0) + by);
  }

  async ticks(): Promise<number[]> {
    const [, value] = await this.getStateManager<number>().tryGetState('ticks');
    return [value ?? 0, this.#activated];
  }
}

export const SDK_ACTORS = [CounterActor, ReminderActor, TimerActor];
