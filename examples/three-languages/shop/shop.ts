/**
 * The shop, in TypeScript: sells one of everything, asking the price of an app
 * in Go and the shelf of an app in Python, and keeps what it sold in an actor.
 * The order is taken by the actor itself, through the sidecar beside it.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { createSystem } from 'troupe';
import { Actor, ActorError } from 'troupe/actor';

const { env } = process;
const sidecar = `http://127.0.0.1:${env['DAPR_HTTP_PORT']}`;

/** Asks an app by its id; the sidecars find it. */
async function ask<T>(app: string, method: string, path: string): Promise<T> {
  const answer = await fetch(`${sidecar}/v1.0/invoke/${app}/method/${path}`, { method });
  if (!answer.ok) {
    throw new ActorError('NO_ANSWER', `${app} answered ${answer.status}: ${await answer.text()}`);
  }
  return (await answer.json()) as T;
}

class Till extends Actor {
  static readonly type = 'Till';
  readonly #sold = this.state('sold', { initial: () => ({ items: 0, pence: 0 }) });

  async sell(item: string): Promise<{ items: number; pence: number }> {
    const { pence } = await ask<{ pence: number }>('prices', 'GET', `price/${item}`);
    await ask('stock', 'POST', `take/${item}`);
    const sold = await this.#sold.get();
    sold.items += 1;
    sold.pence += pence;
    return { ...sold };
  }
}

async function main(): Promise<void> {
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());
  const [httpPort, grpcPort] = [Number(env['DAPR_HTTP_PORT']), Number(env['DAPR_GRPC_PORT'])];
  await using system = await createSystem({
    runtime: 'dapr',
    appId: 'shop',
    actors: [Till],
    dapr: { httpPort, grpcPort },
  });
  const till = system.ref(Till, 'counter');
  // The other apps start by themselves and may take their time.
  for (const item of ['tea', 'coffee', 'cocoa']) {
    while (!stop.signal.aborted) {
      try {
        const { items, pence } = await till.sell(item);
        console.log(`shop: sold ${item}, ${items} in all for ${pence} pence`);
        break;
      } catch {
        await pause(200, undefined, { signal: stop.signal }).catch(() => {});
      }
    }
  }
  if (!stop.signal.aborted) {
    console.log('shop: sold one of everything');
    await new Promise((resolve) => stop.signal.addEventListener('abort', resolve, { once: true }));
  }
  console.log('shop: closing');
}

await main();
