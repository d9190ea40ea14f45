/** The actors of sdk-actors.ts in a process of their own, hosted by the SDK: its port, and daprd's. */
import { DaprServer, LogLevel } from '@dapr/dapr';
import { CounterActor, ReminderActor, TimerActor } from './sdk-actors.ts';

const [port = '', daprPort = ''] = process.argv.slice(2);
const server = new DaprServer({
  serverHost: '127.0.0.1',
  serverPort: port,
  clientOptions: { daprHost: '127.0.0.1', daprPort, logger: { level: LogLevel.Error } },
  logger: { level: LogLevel.Error },
});
await server.actor.init();
await server.actor.registerActor(CounterActor);
await server.actor.registerActor(ReminderActor);
await server.actor.registerActor(TimerActor);
await server.start();
process.stdout.write('serving\n');
