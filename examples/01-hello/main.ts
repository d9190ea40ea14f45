/**
 * A web server and an actor in one process. The server asks the actor through
 * a typed ref; anybody else asks it over HTTP, through the API that Dapr has.
 *
 *   --port N       the web server, default 9000
 *   --api-port N   Dapr's HTTP API, default 3500
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { parseArgs } from 'node:util';
import { createSystem } from 'troupe';
import { Actor, ActorError } from 'troupe/actor';

class Greeter extends Actor {
  static readonly type = 'Greeter';
  readonly #visits = this.state('visits', { initial: () => ({ count: 0 }) });

  async greet(): Promise<{ greeting: string; visits: number }> {
    if (this.ctx.id === 'nobody') {
      throw new ActorError('NOBODY_THERE', 'there is nobody to greet', { status: 404 });
    }
    const visits = await this.#visits.get();
    visits.count += 1;
    return { greeting: `Hello, ${this.ctx.id}!`, visits: visits.count };
  }
}

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '9000' },
    'api-port': { type: 'string', default: '3500' },
  },
});

const web = createServer((request, response) => {
  const [, page, name] = new URL(request.url ?? '/', 'http://localhost').pathname.split('/');
  if (page !== 'hello' || !name) {
    response.writeHead(404).end('try /hello/Ada\n');
    return;
  }
  system
    .ref<Greeter>('Greeter', decodeURIComponent(name))
    .greet()
    .then(({ greeting, visits }) => response.end(`${greeting} You were here ${visits} times.\n`))
    .catch((error: Error) => response.writeHead(500).end(`${error.message}\n`));
});
await new Promise<void>((resolve, reject) => {
  web.once('error', reject).listen(Number(values.port), '127.0.0.1', resolve);
});
const { port } = web.address() as AddressInfo;

const system = await createSystem({
  appId: 'hello',
  actors: [Greeter],
  http: { port: Number(values['api-port']) },
  appPort: port,
});
console.log(`hello on 127.0.0.1:${port}`);
console.log(`API on 127.0.0.1:${system.http?.port}`);
console.log('ready; Ctrl-C ends it');

process.once('SIGINT', () => {
  web.close();
  web.closeAllConnections();
  void system.close();
});
