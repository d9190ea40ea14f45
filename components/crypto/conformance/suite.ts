/** The behaviour that every cryptographic provider shows, over keys that the driver's test has put in place. */
import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { CryptoProvider } from '../contract.ts';

export interface CryptoSubject {
  /** Shown in the names of the tests. */
  readonly name: string;
  /** The suite closes it. */
  create(): Promise<CryptoProvider>;
  /** Keys and an algorithm that each can do. */
  readonly keys: readonly (readonly [keyName: string, algorithm: string])[];
}

/** Declares the suite for one driver; call it at the top of the driver's test file. */
export function cryptoConformance({ name, create, keys }: CryptoSubject): void {
  const fileKey = randomBytes(32);

  describe(`${name} as a cryptographic provider`, () => {
    it.each(keys)(
      'wraps with %s by %s, and unwraps what it has wrapped',
      async (keyName, algorithm) => {
        await using provider = await create();
        const wrapped = await provider.wrapKey({ keyName, algorithm, key: fileKey });
        expect(Buffer.from(wrapped).includes(fileKey)).toBe(false);
        const unwrapped = await provider.unwrapKey({ keyName, algorithm, key: wrapped });
        expect(Buffer.from(unwrapped).equals(fileKey)).toBe(true);
      },
    );

    it.each(keys)('refuses with %s by %s what was tampered with', async (keyName, algorithm) => {
      await using provider = await create();
      const wrapped = Buffer.from(await provider.wrapKey({ keyName, algorithm, key: fileKey }));
      wrapped[5]! ^= 1;
      const unwrapping = provider.unwrapKey({ keyName, algorithm, key: wrapped });
      await expect(unwrapping).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    });

    it('refuses an unknown key and an unknown algorithm, naming them', async () => {
      await using provider = await create();
      const [keyName, algorithm] = keys[0]!;
      const noKey = provider.wrapKey({ keyName: 'no-such-key', algorithm, key: fileKey });
      await expect(noKey).rejects.toMatchObject({ code: 'NOT_FOUND' });
      await expect(noKey).rejects.toThrow(/no-such-key/);
      const noAlgorithm = provider.wrapKey({ keyName, algorithm: 'ROT13', key: fileKey });
      await expect(noAlgorithm).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
      await expect(noAlgorithm).rejects.toThrow(/ROT13/);
    });

    it('closes twice, and refuses every use afterwards', async () => {
      const provider = await create();
      await provider.ping();
      await provider.close();
      await provider.close();
      await provider[Symbol.asyncDispose]();
      const [keyName, algorithm] = keys[0]!;
      const request = { keyName, algorithm, key: fileKey };
      for (const use of [provider.wrapKey(request), provider.unwrapKey(request), provider.ping()])
        await expect(use).rejects.toThrow(/is closed/);
    });
  });
}
