/**
 * A month of durable reminders in a moment: the test kit's clock moves when it
 * is told to, and everything durable moves with it. Half way the process
 * "crashes"; what was promised is still kept.
 */
import { Actor, type Firing } from 'troupe/actor';
import { createTestHost } from 'troupe/test';

interface Mail {
  send(text: string): void;
}

class Trial extends Actor<Mail> {
  static readonly type = 'Trial';
  readonly #trial = this.state('trial', { initial: () => ({ state: 'none', tips: 0 }) });

  async start(): Promise<void> {
    this.#trial.set({ state: 'running', tips: 0 });
    await this.ctx.reminders.set('tip', { due: '24h', period: 'R3/PT48H' });
    await this.ctx.reminders.set('end', { due: '30d' });
    this.ctx.services.send(`welcome, ${this.ctx.id}`);
  }

  override async onReminder({ name }: Firing): Promise<void> {
    const trial = await this.#trial.get();
    if (name === 'tip') {
      trial.tips += 1;
      this.ctx.services.send(`tip ${trial.tips} for ${this.ctx.id}`);
    } else {
      trial.state = 'ended';
      this.ctx.services.send(`the trial of ${this.ctx.id} has ended`);
    }
  }

  async status(): Promise<string> {
    return (await this.#trial.get()).state;
  }
}

const start = new Date('2026-01-01T09:00:00Z');
const mail: Mail = {
  send: (text) => console.log(`${new Date(host.clock.now()).toISOString()} ${text}`),
};
await using host = await createTestHost({ actors: [Trial], services: mail, start });

await host.ref<Trial>('Trial', 'ada').start();
await host.clock.advance('4d');

console.log('-- crash and restart');
await host.crash();
await host.restart();

await host.clock.advance('30d');
console.log(`the trial is ${await host.ref<Trial>('Trial', 'ada').status()}`);
