/**
 * The behaviour that every state driver shows, run against the real backend.
 * Features are checked both ways: what a driver declares must work, and what
 * it does not declare must be refused with UNSUPPORTED.
 */
import { describe, expect, it } from 'vitest';
import { createTestClock } from '../../test-clock.ts';
import { etagTests } from './etags.ts';
import { indexTests } from './indexes.ts';
import { lifecycleTests } from './lifecycle.ts';
import { modelTests } from './model.ts';
import { refusalTests } from './refusals.ts';
import type { StateSubject, WithStore } from './subject.ts';
import { transactionTests } from './transactions.ts';
import { ttlTests } from './ttl.ts';
import { valueTests } from './values.ts';

/** Declares the suite for one driver; call it at the top of the driver's test file. */
export function stateConformance(subject: StateSubject): void {
  const withStore: WithStore = (body) => async () => {
    const clock = createTestClock();
    await using store = await subject.create(clock);
    await body(store, clock);
  };
  const has = (...features: StateSubject['features']): boolean =>
    features.every((feature) => subject.features.includes(feature));

  describe(`${subject.name} as a state store`, () => {
    it(
      'declares its features',
      withStore(async (store) => {
        expect([...store.features].sort()).toEqual([...subject.features].sort());
      }),
    );
    valueTests(withStore, subject);
    if (has('ETAG')) etagTests(withStore);
    if (has('TRANSACTIONAL', 'ETAG')) transactionTests(withStore);
    if (has('TTL')) ttlTests(withStore);
    if (has('ORDERED_INDEX')) indexTests(withStore, has('DELETE_WITH_PREFIX'));
    refusalTests(withStore, subject);
    lifecycleTests(withStore, subject);
    if (has('ETAG', 'TRANSACTIONAL', 'TTL', 'DELETE_WITH_PREFIX', 'ORDERED_INDEX'))
      modelTests(subject);
  });
}
