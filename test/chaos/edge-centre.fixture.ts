/**
 * The centre as a process that a test kills: stores in a SQLite file behind the
 * runtime's HTTP API. Prints its port.
 */
import { component, createSystem } from '../../runtime/index.ts';
import { storeActors } from '../../actors/index.ts';

const [db = ''] = process.argv.slice(2);
const system = await createSystem({
  actors: storeActors,
  services: { rollUpDelay: '50ms' },
  components: [
    component('statestore', 'state.sqlite', { connectionString: db, actorStateStore: 'true' }),
    component('pubsub', 'pubsub.in-memory'),
  ],
  http: { port: 0 },
});
process.stdout.write(`${system.http!.port}\n`);
process.on('SIGTERM', () => void system.close().then(() => process.exit(0)));
