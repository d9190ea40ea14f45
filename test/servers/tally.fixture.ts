/**
 * A consumer as a process: `fork(tally.fixture.ts, [PORT, TOPIC, FILE])`. Each key of
 * the topic is an actor that counts its events in a SQLite file and says whether
 * one came out of order. It tells how many turns it ran, and answers `report`
 * with the sums over all keys.
 */
import { Actor, type CloudEvent } from '../../runtime/actor/index.ts';
import { component, createSystem } from '../../runtime/index.ts';

export interface Tallied {
  readonly events: number;
  readonly disorder: number;
}

export type FromTally = { readonly turns: number } | { readonly report: Tallied };

const [port = '', topic = '', file = '', keys = ''] = process.argv.slice(2);
/** Turns between two messages about them. */
const SAID_EVERY = 500;
let turns = 0;

export class Tally extends Actor {
  static readonly type = 'Tally';
  static readonly subscriptions = [
    { topic, method: 'take', id: ({ data }: CloudEvent) => (data as { key: string }).key },
  ];
  readonly #tallied = this.state('tallied', { initial: () => ({ events: 0, disorder: 0 }) });

  async take({ data }: CloudEvent): Promise<void> {
    const tallied = await this.#tallied.get();
    if ((data as { n: number }).n !== tallied.events) tallied.disorder++;
    tallied.events++;
    if (++turns % SAID_EVERY === 0) process.send?.({ turns });
  }

  async report(): Promise<Tallied> {
    return this.#tallied.get();
  }
}

await using system = await createSystem({
  appId: 'tally',
  actors: [Tally],
  components: [
    component('statestore', 'state.sqlite', { connectionString: file, actorStateStore: 'true' }),
    component('pubsub', 'pubsub.kafka', {
      brokers: `127.0.0.1:${port}`,
      authType: 'none',
      initialOffset: 'oldest',
      concurrency: '64',
      readTimeout: '5s',
    }),
  ],
});
const left = Promise.withResolvers<void>();
process.on('disconnect', left.resolve);
process.on('message', () => {
  void (async () => {
    const reports: Tallied[] = [];
    for (let key = 0; key < Number(keys); key++)
      reports.push(await system.ref(Tally, `key-${key}`).report());
    const sum = (pick: (one: Tallied) => number): number =>
      reports.reduce((total, one) => total + pick(one), 0);
    const report = { events: sum((one) => one.events), disorder: sum((one) => one.disorder) };
    process.send?.({ report });
  })();
});
await left.promise;
