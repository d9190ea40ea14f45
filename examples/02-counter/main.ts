/**
 * An actor whose state outlives the process. Each run counts three clicks in
 * the same SQLite file and goes on where the last one ended, however it ended.
 *
 *   --db FILE   where the state lives, default counter.db
 *   --crash     end by SIGKILL right after the last answer
 */
import { parseArgs } from 'node:util';
import { component, createSystem } from 'troupe';
import { Actor } from 'troupe/actor';

class Counter extends Actor {
  static readonly type = 'Counter';
  readonly #count = this.state('count', { initial: () => ({ value: 0 }) });

  async increment(): Promise<number> {
    const count = await this.#count.get();
    count.value += 1;
    return count.value;
  }
}

const { values } = parseArgs({
  options: { db: { type: 'string', default: 'counter.db' }, crash: { type: 'boolean' } },
});

await using system = await createSystem({
  actors: [Counter],
  components: [
    component('statestore', 'state.sqlite', {
      connectionString: values.db,
      actorStateStore: 'true',
    }),
  ],
});

const clicks = system.ref<Counter>('Counter', 'clicks');
for (let click = 0; click < 3; click += 1) console.log(`click ${await clicks.increment()}`);

if (values.crash) process.kill(process.pid, 'SIGKILL');
