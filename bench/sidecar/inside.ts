/** The same actor inside Troupe's process, behind Dapr's APIs; `node inside.ts HTTP_PORT GRPC_PORT`. */
import { createSystem } from 'troupe';
import { Actor } from 'troupe/actor';

class Counter extends Actor {
  static readonly type = 'Counter';
  #count = 0;

  async add([by = 0]: readonly number[]): Promise<number> {
    return (this.#count += by);
  }
}

const [http, grpc] = process.argv.slice(2).map(Number);
await createSystem({ actors: [Counter], http: { port: http! }, grpc: { port: grpc! } });
console.log('ready');
