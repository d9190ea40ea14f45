/** What the parts of the state suite share: the store under test and ways to say what is expected of it. */
import { expect } from 'vitest';
import type { TestClock } from '../../test-clock.ts';
import type { StateStore } from '../contract.ts';

export const STATE_FEATURES = [
  'ETAG',
  'TRANSACTIONAL',
  'TTL',
  'DELETE_WITH_PREFIX',
  'ORDERED_INDEX',
] as const;

export type StateFeature = (typeof STATE_FEATURES)[number];

/** How a driver's test makes stores for the suite. */
export interface StateSubject {
  /** Shown in the names of the tests. */
  readonly name: string;
  /** An empty store that tells the time by `clock`. The suite closes it. */
  create(clock: TestClock): Promise<StateStore>;
  /** The features the driver is to declare: these must work, and every other must be refused. */
  readonly features: readonly StateFeature[];
  /** The backend does not keep whether a value was text: bytes that are UTF-8 come back as text. Default: it does. */
  readonly forgetsKinds?: boolean;
  /** The backend cannot have a NUL in a key, which is then refused. Default: it can. */
  readonly refusesNulInKeys?: boolean;
  /** For a store that outlives its process: opens the data of a store that `create` made and that was closed since. */
  reopen?(closed: StateStore, clock: TestClock): Promise<StateStore>;
}

/** A test body with a fresh store and the clock it lives by. */
export type WithStore = (
  body: (store: StateStore, clock: TestClock) => Promise<void>,
) => () => Promise<void>;

/** Asserts that a promise rejects with a ComponentError of this code. */
export async function expectCode(promise: Promise<unknown>, code: string): Promise<void> {
  await expect(promise).rejects.toMatchObject({
    code,
    component: expect.any(String) as string,
    componentType: expect.any(String) as string,
  });
}

/** Asserts a CONFLICT that names the key whose condition did not hold. */
export async function expectConflict(promise: Promise<unknown>, key: string): Promise<void> {
  await expect(promise).rejects.toMatchObject({ code: 'CONFLICT', details: { key } });
}
