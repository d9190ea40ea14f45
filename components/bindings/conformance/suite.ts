/** The behaviour that every binding shows; what is its own, its driver's test shows. */
import { describe, expect, it } from 'vitest';
import type { Binding } from '../contract.ts';

export interface BindingSubject {
  /** Shown in the names of the tests. */
  readonly name: string;
  /** The suite closes it. */
  create(): Promise<Binding>;
  readonly features: readonly ('INPUT_BINDING' | 'OUTPUT_BINDING')[];
  /** Makes at least one event happen while somebody reads. Only for an input binding. */
  trigger?(binding: Binding): Promise<void>;
}

const request = (operation: string) => ({ operation, data: new Uint8Array(), metadata: {} });

/** Declares the suite for one driver; call it at the top of the driver's test file. */
export function bindingConformance({ name, create, features, trigger }: BindingSubject): void {
  const isInput = features.includes('INPUT_BINDING');
  const isOutput = features.includes('OUTPUT_BINDING');

  describe(`${name} as a binding`, () => {
    it('declares its features, and has operations only as an output', async () => {
      await using binding = await create();
      expect([...binding.features].sort()).toEqual([...features].sort());
      expect(binding.operations.length > 0).toBe(isOutput);
    });

    it('refuses an operation that it does not have, naming it', async () => {
      await using binding = await create();
      const asking = binding.invoke(request('frobnicate'));
      await expect(asking).rejects.toMatchObject({ code: 'UNSUPPORTED' });
      await expect(asking).rejects.toThrow(/"frobnicate"/);
    });

    it.skipIf(!isInput)('delivers events until it is told to stop', async () => {
      await using binding = await create();
      let count = 0;
      const stop = await binding.read(async () => {
        count++;
        return undefined;
      });
      await trigger!(binding);
      expect(count).toBeGreaterThan(0);
      await stop();
      await stop();
      const before = count;
      await trigger!(binding);
      expect(count).toBe(before);
    });

    it.skipIf(!isInput)('goes on past a handler that fails, and can be read again', async () => {
      await using binding = await create();
      let count = 0;
      const stop = await binding.read(async () => {
        count++;
        throw new Error('refused');
      });
      await trigger!(binding);
      const failed = count;
      await trigger!(binding);
      expect(count).toBeGreaterThan(failed);
      await stop();
      let again = 0;
      await binding.read(async () => {
        again++;
        return undefined;
      });
      await trigger!(binding);
      expect(again).toBeGreaterThan(0);
    });

    it.skipIf(isInput)('delivers no events', async () => {
      await using binding = await create();
      const reading = binding.read(async () => undefined);
      await expect(reading).rejects.toMatchObject({ code: 'UNSUPPORTED' });
    });

    it('closes twice, and refuses every use afterwards', async () => {
      const binding = await create();
      await binding.ping();
      await binding.close();
      await binding.close();
      await binding[Symbol.asyncDispose]();
      for (const use of [
        binding.invoke(request(binding.operations[0] ?? 'create')),
        binding.read(async () => undefined),
        binding.ping(),
      ])
        await expect(use).rejects.toThrow(/is closed/);
    });
  });
}
