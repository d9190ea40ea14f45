import { describe, expectTypeOf, it } from 'vitest';
import { Actor } from '../actor/index.ts';
import type { ActorCallOptions, Client, ClientRef, StateItem } from './index.ts';

interface CartApi {
  add(line: { sku: string }): Promise<number>;
  total(): number;
  find(sku?: string): Promise<string | undefined>;
  two(a: string, b: string): void;
}

class Cart extends Actor {
  static readonly type = 'Cart';
  add(sku: string): Promise<number> {
    return Promise.resolve(sku.length);
  }
}

describe('the type of a ref of a client', () => {
  it('has the methods of an interface, each with call options of its own', () => {
    type Ref = ClientRef<CartApi>;
    expectTypeOf<Ref['add']>().toEqualTypeOf<
      (argument: { sku: string }, options?: ActorCallOptions) => Promise<number>
    >();
    expectTypeOf<Ref['total']>().returns.toEqualTypeOf<Promise<number>>();
    expectTypeOf<Ref['find']>().toBeCallableWith();
    expectTypeOf<Ref['find']>().toBeCallableWith('a', { idempotencyKey: 'k', timeout: 1 });
    expectTypeOf<Ref['two']>().toEqualTypeOf<never>();
    // @ts-expect-error -- its argument is required
    expectTypeOf<Ref['add']>().toBeCallableWith();
  });

  it('can be made of a class', () => {
    expectTypeOf<ClientRef<Cart>['add']>().parameter(0).toEqualTypeOf<string>();
    expectTypeOf<ClientRef<Cart>>().not.toHaveProperty('ctx');
  });
});

describe('the types of building blocks', () => {
  it('carry the type that is asked for', () => {
    type Store = ReturnType<Client['state']>;
    const get = (store: Store) => store.get<number>('a');
    expectTypeOf(get).returns.toEqualTypeOf<Promise<StateItem<number>>>();
    const invoke = (client: Client) => client.invoke<string>('app', 'method');
    expectTypeOf(invoke).returns.toEqualTypeOf<Promise<string>>();
  });
});
