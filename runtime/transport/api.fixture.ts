/** A real system with its HTTP API on a free port, and what the tests of the API ask of it. */
import { Actor, ActorError } from '../actor/index.ts';
import { component, createSystem, type System, type SystemOptions } from '../index.ts';

export class Counter extends Actor {
  static readonly type = 'Counter';
  readonly #count = this.state('count', { initial: () => 0 });
  #release = (): void => {};

  async add(by: number): Promise<number> {
    const next = (await this.#count.get()) + by;
    this.#count.set(next);
    return next;
  }

  get(): Promise<number> {
    return this.#count.get();
  }

  nothing(): void {}

  bytes(): Uint8Array {
    return new Uint8Array([0, 255, 128, 10]);
  }

  refuse(): never {
    throw new ActorError('OUT_OF_STOCK', 'none left of 85123A', {
      status: 422,
      details: { code: '85123A' },
    });
  }

  crash(): never {
    throw new TypeError('secret internals');
  }

  /** Ends when the caller gives up; tells it through `release`. */
  async wait(): Promise<string> {
    const { signal } = this.ctx;
    await new Promise<void>((resolve) => {
      this.#release = resolve;
      signal.addEventListener('abort', () => resolve(), { once: true });
    });
    return signal.aborted ? 'aborted' : 'released';
  }

  override onDeactivate(): void {
    this.#release();
  }
}

const silent = { debug() {}, info() {}, warn() {}, error() {} };

export interface ApiFixture extends AsyncDisposable {
  readonly system: System;
  readonly base: string;
  send(
    method: string,
    path: string,
    options?: { body?: unknown; headers?: Record<string, string> },
  ): Promise<Answer>;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The body as JSON; throws when it is none. */
  readonly json: never;
}

/** A text or bytes body goes out as it is, anything else as JSON. */
export async function request(
  base: string,
  method: string,
  path: string,
  { body, headers = {} }: { body?: unknown; headers?: Record<string, string> } = {},
): Promise<Answer> {
  const plain = typeof body === 'string' || body instanceof Uint8Array || body === undefined;
  const response = await fetch(base + path, {
    method,
    redirect: 'manual',
    headers: plain ? headers : { 'content-type': 'application/json', ...headers },
    ...(body === undefined ? {} : { body: plain ? (body as string) : JSON.stringify(body) }),
  });
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    text,
    get json(): never {
      return JSON.parse(text) as never;
    },
  };
}

export async function openApi(options: Partial<SystemOptions> = {}): Promise<ApiFixture> {
  const system = await createSystem({
    appId: 'shop',
    actors: [Counter],
    http: { port: 0 },
    logger: silent,
    components: [
      component('statestore', 'state.in-memory', { actorStateStore: 'true' }),
      component('pubsub', 'pubsub.in-memory'),
    ],
    ...options,
  });
  const base = `http://${system.http!.host}:${system.http!.port}`;
  return {
    system,
    base,
    send: (method, path, sent) => request(base, method, path, sent),
    [Symbol.asyncDispose]: () => system.close(),
  };
}
