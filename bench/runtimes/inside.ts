/** The actor in one process behind Dapr's HTTP API; `node inside.ts RUNTIME HTTP_PORT`. */
import { flushCompileCache } from 'node:module';
import { createSystem } from 'troupe';
import { Actor } from 'troupe/actor';

class Counter extends Actor {
  static readonly type = 'Counter';
  #count = 0;

  async hit(): Promise<number> {
    return ++this.#count;
  }
}

const [runtime = '', port = ''] = process.argv.slice(2);
await createSystem({
  runtime: runtime as 'embedded' | 'sidecar',
  actors: [Counter],
  http: { port: Number(port) },
  ...(runtime === 'sidecar' ? { grpc: { port: 0 } } : {}),
});
console.log('ready');
flushCompileCache();
