/** The behaviour that every name resolver shows, between instances that can see each other. */
import { randomUUID } from 'node:crypto';
import { describe, expect, it, vi } from 'vitest';
import type { NameResolver } from '../contract.ts';

export interface NameResolutionSubject {
  /** Shown in the names of the tests. */
  readonly name: string;
  /** Each instance sees the others. The suite closes it. */
  create(): Promise<NameResolver>;
  /** Opens one that chooses by calls under way. Absent: the driver counts none. */
  createCounting?(): Promise<NameResolver>;
  /** False: addresses follow from names, and nothing is known of hosts. Default true. */
  readonly keepsHosts?: boolean;
}

/** Declares the suite for one driver; call it at the top of the driver's test file. */
export function nameResolutionConformance({
  name,
  create,
  createCounting,
  keepsHosts = true,
}: NameResolutionSubject): void {
  /** An app id that nobody else on the network has. */
  const fresh = (): string => `app-${randomUUID()}`;
  const instance = (appId: string, port: number) => ({
    appId,
    namespace: '',
    host: '127.0.0.1',
    port,
  });

  describe(`${name} as a name resolver`, () => {
    it.runIf(keepsHosts)(
      'finds a host that another instance has registered, and its own',
      async () => {
        await using one = await create();
        await using other = await create();
        const appId = fresh();
        await one.register(instance(appId, 50_002));
        for (const resolver of [one, other])
          expect(await resolver.resolve({ appId })).toEqual({ host: '127.0.0.1', port: 50_002 });
      },
    );

    it.runIf(keepsHosts)('finds no app that nobody has registered, naming it', async () => {
      await using resolver = await create();
      const appId = fresh();
      const asking = resolver.resolve({ appId });
      await expect(asking).rejects.toMatchObject({ code: 'NOT_FOUND' });
      await expect(asking).rejects.toThrow(appId);
    });

    it.runIf(keepsHosts)('finds each of several hosts of an app, sooner or later', async () => {
      await using one = await create();
      await using two = await create();
      await using asker = await create();
      const appId = fresh();
      await one.register(instance(appId, 50_003));
      await two.register(instance(appId, 50_004));
      const ports = new Set<number>();
      await vi.waitFor(async () => {
        ports.add((await asker.resolve({ appId })).port);
        expect(ports).toEqual(new Set([50_003, 50_004]));
      });
    });

    it.runIf(keepsHosts)('finds a host no more once it has gone', async () => {
      await using asker = await create();
      const appId = fresh();
      const host = await create();
      await host.register(instance(appId, 50_005));
      expect((await asker.resolve({ appId })).port).toBe(50_005);
      await host.close();
      await vi.waitFor(() =>
        expect(asker.resolve({ appId })).rejects.toMatchObject({ code: 'NOT_FOUND' }),
      );
    });

    it.runIf(createCounting)(
      'gives the next call to the host with the fewest under way, until they are over',
      async () => {
        await using one = await create();
        await using two = await create();
        await using asker = await createCounting!();
        const appId = fresh();
        await one.register(instance(appId, 50_009));
        await two.register(instance(appId, 50_010));
        /** The ports of some calls, each over before the next. */
        const some = async (): Promise<Set<number>> => {
          const ports = new Set<number>();
          for (let i = 0; i < 4; i++) {
            const { port, release } = await asker.resolve({ appId });
            ports.add(port);
            release!();
          }
          return ports;
        };
        const both = new Set([50_009, 50_010]);
        await vi.waitFor(async () => expect(await some()).toEqual(both), 5_000);
        const busy = await asker.resolve({ appId });
        both.delete(busy.port);
        expect(await some()).toEqual(both);
        busy.release!();
        busy.release!();
        expect(await some()).toEqual(both.add(busy.port));
      },
    );

    it('registers one host', async () => {
      await using resolver = await create();
      const appId = fresh();
      await resolver.register(instance(appId, 50_006));
      await expect(resolver.register(instance(appId, 50_007))).rejects.toThrow(/already/);
    });

    it('closes twice, and refuses every use afterwards', async () => {
      const resolver = await create();
      await resolver.ping();
      await resolver.close();
      await resolver.close();
      await resolver[Symbol.asyncDispose]();
      const appId = fresh();
      for (const use of [
        resolver.register(instance(appId, 50_008)),
        resolver.resolve({ appId }),
        resolver.ping(),
      ])
        await expect(use).rejects.toThrow(/is closed/);
    });
  });
}
