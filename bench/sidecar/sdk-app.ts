/** An app of the JavaScript SDK that hosts one actor type; `node sdk-app.ts APP_PORT SIDECAR_PORT`. */
import { flushCompileCache } from 'node:module';
import { AbstractActor, CommunicationProtocolEnum, DaprServer, LogLevel } from '@dapr/dapr';

class Counter extends AbstractActor {
  #count = 0;

  async add(by: number): Promise<number> {
    return (this.#count += by);
  }

  async hit(): Promise<number> {
    return ++this.#count;
  }
}

const [appPort = '', sidecarPort = ''] = process.argv.slice(2);
const logger = { level: LogLevel.Error };
const server = new DaprServer({
  serverHost: '127.0.0.1',
  serverPort: appPort,
  communicationProtocol: CommunicationProtocolEnum.HTTP,
  clientOptions: { daprHost: '127.0.0.1', daprPort: sidecarPort, logger },
  logger,
});
await server.actor.init();
await server.actor.registerActor(Counter);
await server.start();
console.log('ready');
flushCompileCache();
