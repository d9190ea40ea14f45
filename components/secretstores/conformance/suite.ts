/** The behaviour that every secret store shows, over secrets that the driver's test has put in place. */
import { describe, expect, it } from 'vitest';
import type { SecretStore } from '../contract.ts';

export const SECRET_STORE_FEATURES = ['MULTIPLE_KEY_VALUES_PER_SECRET'] as const;

export interface SecretStoreSubject {
  /** Shown in the names of the tests. */
  readonly name: string;
  /** A store that holds `secrets` and perhaps others. The suite closes it. */
  create(): Promise<SecretStore>;
  readonly features: readonly (typeof SECRET_STORE_FEATURES)[number][];
  readonly secrets: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

/** Declares the suite for one driver; call it at the top of the driver's test file. */
export function secretStoreConformance(subject: SecretStoreSubject): void {
  describe(`${subject.name} as a secret store`, () => {
    it('declares its features, and has several values a secret only when it says so', async () => {
      await using store = await subject.create();
      expect([...store.features].sort()).toEqual([...subject.features].sort());
      const all = Object.entries(await store.getBulkSecrets());
      const multiple = all.some(([, values]) => Object.keys(values).length > 1);
      expect(multiple).toBe(subject.features.includes('MULTIPLE_KEY_VALUES_PER_SECRET'));
    });

    it.each(Object.entries(subject.secrets))('gives the secret %s', async (name, values) => {
      await using store = await subject.create();
      expect(await store.getSecret(name)).toEqual(values);
    });

    it('gives all secrets at once, each as it is given alone', async () => {
      await using store = await subject.create();
      const all = await store.getBulkSecrets();
      expect(all).toMatchObject(subject.secrets);
      for (const name of Object.keys(subject.secrets))
        expect(all[name]).toEqual(await store.getSecret(name));
    });

    it('refuses a secret that it does not have, naming it', async () => {
      await using store = await subject.create();
      for (const name of ['no-such-secret', 'toString', '__proto__', '']) {
        const asking = store.getSecret(name);
        await expect(asking).rejects.toMatchObject({ code: 'NOT_FOUND' });
        await expect(asking).rejects.toThrow(`${name}"`);
      }
    });

    it('cannot be changed through what it gave', async () => {
      await using store = await subject.create();
      const [name, values] = Object.entries(subject.secrets)[0]!;
      const given = await store.getSecret(name);
      for (const key of Object.keys(given)) given[key] = 'changed';
      expect(await store.getSecret(name)).toEqual(values);
    });

    it('closes twice, and refuses every use afterwards', async () => {
      const store = await subject.create();
      await store.ping();
      await store.close();
      await store.close();
      await store[Symbol.asyncDispose]();
      const [name] = Object.keys(subject.secrets);
      for (const use of [store.getSecret(name!), store.getBulkSecrets(), store.ping()])
        await expect(use).rejects.toThrow(/is closed/);
    });
  });
}
