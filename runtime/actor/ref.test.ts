import { describe, expectTypeOf, it } from 'vitest';
import type { ActorRef, CallOptions, OutboxRef, StateEntry } from './index.ts';
import { Actor } from './index.ts';

interface Line {
  sku: string;
}

interface Api {
  nothing(): void;
  total(): number;
  add(line: Line): Promise<Line[]>;
  find(sku?: string): Promise<Line | undefined>;
  either(sku: string | undefined): string;
  two(a: string, b: string): void;
  many(...all: string[]): void;
  readonly field: string;
}

class Cart extends Actor {
  static readonly type = 'Cart';
  readonly lines: StateEntry<Line[]> = this.state('lines', { initial: (): Line[] => [] });
  async add(line: Line): Promise<number> {
    return (await this.lines.get()).push(line);
  }
}

describe('the type of a ref', () => {
  it('has each method with its argument, call options, and a promise of what it gives', () => {
    type Ref = ActorRef<Api>;
    expectTypeOf<Ref['nothing']>().toEqualTypeOf<
      (argument?: undefined, options?: CallOptions) => Promise<void>
    >();
    expectTypeOf<Ref['total']>().returns.toEqualTypeOf<Promise<number>>();
    expectTypeOf<Ref['add']>().toEqualTypeOf<
      (argument: Line, options?: CallOptions) => Promise<Line[]>
    >();
  });

  it('lets an optional argument be left out or given', () => {
    type Ref = ActorRef<Api>;
    expectTypeOf<Ref['find']>().toBeCallableWith();
    expectTypeOf<Ref['find']>().toBeCallableWith('a', { timeout: 1 });
    expectTypeOf<Ref['either']>().toBeCallableWith();
    expectTypeOf<Ref['either']>().toBeCallableWith('a');
    // @ts-expect-error -- the argument is a text
    expectTypeOf<Ref['find']>().toBeCallableWith(1);
    // @ts-expect-error -- it is required
    expectTypeOf<Ref['add']>().toBeCallableWith();
  });

  it('has no fields, and cannot call methods of more than one argument', () => {
    type Ref = ActorRef<Api>;
    expectTypeOf<Ref>().not.toHaveProperty('field');
    expectTypeOf<Ref['two']>().toEqualTypeOf<never>();
    expectTypeOf<Ref['many']>().toEqualTypeOf<never>();
  });

  it('can be made of a class', () => {
    type Ref = ActorRef<Cart>;
    expectTypeOf<Ref['add']>().parameter(0).toEqualTypeOf<Line>();
    expectTypeOf<Ref>().not.toHaveProperty('lines');
    expectTypeOf<Ref>().not.toHaveProperty('ctx');
  });
});

describe('the type of an outbox ref', () => {
  it('sends and gives nothing back', () => {
    type Ref = OutboxRef<Api>;
    expectTypeOf<Ref['add']>().toEqualTypeOf<(argument: Line) => void>();
    expectTypeOf<Ref['total']>().toEqualTypeOf<() => void>();
    expectTypeOf<Ref['find']>().toEqualTypeOf<(argument?: string) => void>();
    expectTypeOf<Ref['two']>().toEqualTypeOf<never>();
  });
});

describe('the type of a state entry', () => {
  it('is that of its initial value', () => {
    expectTypeOf<Cart['lines']>().toEqualTypeOf<StateEntry<Line[]>>();
    expectTypeOf<StateEntry<Line>['get']>().returns.toEqualTypeOf<Promise<Line>>();
    // @ts-expect-error -- another type
    expectTypeOf<StateEntry<number>['set']>().toBeCallableWith('text');
  });
});
