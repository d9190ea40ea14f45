/** What a client does with the building blocks, whichever sidecar and transport it has. */
import { describe, expect, it, vi } from 'vitest';
import { createClient, type Client, type TopicEvent } from './index.ts';

export interface Sidecar {
  readonly http: string;
  readonly grpc: string;
}

export interface Suite {
  readonly sidecar: () => Sidecar;
  /** Troupe has a lock where Dapr's stable components have none, and brokers in memory that bring an event again. */
  readonly isTroupe: boolean;
  /** Changes the configuration item `colour`; a store in memory cannot be changed from outside. */
  readonly changeColour?: (value: string) => Promise<void>;
}

const TRANSPORTS = ['http', 'grpc'] as const;

/** The app of the suite answers an invocation of `echo` with its verb, query and body. */
export function clientBlocks({ sidecar, isTroupe, changeColour }: Suite): void {
  describe.each(TRANSPORTS)('over %s', (transport) => {
    const open = (): Client => createClient({ address: sidecar()[transport] });
    const name = (key: string): string => `${transport}-${key}`;

    it('keeps state, with etags that make writers of old versions fail', async () => {
      await using client = open();
      const store = client.state('store');
      const key = name('etag');
      expect(await store.get(key)).toEqual({ key, value: undefined });
      await store.set(key, { n: 1 });
      const first = await store.get<{ n: number }>(key);
      expect(first).toEqual({ key, value: { n: 1 }, etag: expect.stringMatching(/./) });
      await store.set(key, { n: 2 }, { etag: first.etag! });
      const stale = { etag: first.etag! };
      await expect(store.set(key, 3, stale)).rejects.toMatchObject({ code: 'CONFLICT' });
      await expect(store.delete(key, stale)).rejects.toMatchObject({ code: 'CONFLICT' });
      await expect(store.set(key, 3, { firstWrite: true })).rejects.toMatchObject({
        code: 'CONFLICT',
      });
      await store.delete(key, { etag: (await store.get(key)).etag! });
      expect((await store.get(key)).value).toBeUndefined();
    });

    it('writes and deletes together, and reads many in the order asked for', async () => {
      await using client = open();
      const store = client.state('store');
      const [a, b, c] = ['a', 'b', 'c'].map((key) => name(`many-${key}`)) as [
        string,
        string,
        string,
      ];
      await store.set(a, 'old');
      await store.transact([{ delete: a }, { set: b, value: [1] }, { set: c, value: null }]);
      const values = (await store.getMany([c, a, b])).map(({ value }) => value);
      expect(values).toEqual([null, undefined, [1]]);
    });

    it('names a store that is not there', async () => {
      await using client = open();
      await expect(client.state('absent').get('a')).rejects.toMatchObject({ code: 'NOT_FOUND' });
      await expect(client.publish('absent', 'a', 1)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    });

    it('publishes values and bytes, one and many, to a subscription by stream', async () => {
      await using client = open();
      await using receiver = createClient({ address: sidecar().grpc });
      const topic = name('topic');
      const seen: TopicEvent[] = [];
      const all = Promise.withResolvers<void>();
      let refused = isTroupe ? 0 : 1;
      await using _subscription = await receiver.subscribe('pubsub', topic, (event) => {
        if (refused++ === 0) throw new Error('not now');
        if (seen.push(event) === 4) all.resolve();
      });
      await client.publish('pubsub', topic, { id: 1 }, { id: 'my-id' });
      await client.publish('pubsub', topic, new Uint8Array([0, 255]));
      await client.publishMany('pubsub', topic, [{ id: 2 }, 'text']);
      await all.promise;
      expect(seen.find(({ id }) => id === 'my-id')).toMatchObject({
        topic,
        pubsubname: 'pubsub',
        data: { id: 1 },
      });
      const data = seen.map((event) => event.data);
      expect(data).toEqual(
        expect.arrayContaining([{ id: 1 }, new Uint8Array([0, 255]), { id: 2 }, 'text']),
      );
    });

    it('invokes an app', async () => {
      await using client = open();
      const options = { verb: 'PUT', query: 'x=1' } as const;
      const answer = await client.invoke('app', 'echo', { say: 'hi' }, options);
      expect(answer).toEqual({ verb: 'PUT', query: 'x=1', body: { say: 'hi' } });
      await expect(client.invoke('app', 'nothing')).rejects.toMatchObject({ code: 'NOT_FOUND' });
    });

    it('reads secrets', async () => {
      await using client = open();
      expect(await client.secret('secrets', 'password')).toEqual({ password: 'open sesame' });
      expect(await client.secrets('secrets')).toEqual({
        password: { password: 'open sesame' },
        user: { user: 'ali' },
      });
    });

    it('reads configuration', async () => {
      await using client = open();
      const items = await client.configuration('config').get(['colour']);
      expect(items).toMatchObject({ colour: { value: expect.stringMatching(/./) } });
    });

    it('schedules jobs, reads and deletes them', async () => {
      await using client = open();
      const job = name('job');
      await client.jobs.schedule(job, { dueTime: '1h', data: { tea: [1, 'two'] } });
      const kept = await client.jobs.get(job);
      expect(kept).toMatchObject({ name: job, data: { tea: [1, 'two'] } });
      await expect(client.jobs.schedule(job, { dueTime: '2h' })).rejects.toMatchObject({
        code: 'CONFLICT',
      });
      await client.jobs.schedule(job, { dueTime: '2h' }, { overwrite: true });
      await client.jobs.delete(job);
      await expect(client.jobs.get(job)).rejects.toMatchObject({ code: expect.any(String) });
    });

    it('encrypts and decrypts', async () => {
      await using client = open();
      const keys = client.crypto('keys');
      const plain = new Uint8Array(200_000).fill(7);
      const sealed = await keys.encrypt(plain, { keyName: 'key', algorithm: 'A256KW' });
      expect(Buffer.from(sealed).includes(Buffer.alloc(1000, 7))).toBe(false);
      expect(Buffer.compare(await keys.decrypt(sealed), plain)).toBe(0);
      await expect(
        keys.encrypt(plain, { keyName: 'none', algorithm: 'A256KW' }),
      ).rejects.toMatchObject({ name: 'TroupeError' });
    });

    it('uses bindings', async () => {
      await using client = open();
      const metadata = { fileName: `${transport}.json` };
      await client.binding('files', 'create', { n: 1 }, { metadata });
      const { data } = await client.binding('files', 'get', undefined, { metadata });
      expect(JSON.parse(Buffer.from(data).toString())).toEqual({ n: 1 });
    });

    it('reads metadata, adds to it, and asks for health', async () => {
      await using client = open();
      await client.setMetadata(name('colour'), 'red');
      const { id, components, extended } = await client.metadata();
      expect([id, extended[name('colour')]]).toEqual(['app', 'red']);
      expect(components.map((one) => one.name)).toContain('store');
      expect(await client.isHealthy()).toBe(true);
    });

    it.skipIf(!isTroupe)('holds a lock until it gives it back', async () => {
      await using client = open();
      const resource = name('till');
      {
        await using held = await client.lock('lock', resource, { seconds: 60 });
        expect(held).toBeDefined();
        expect(await client.lock('lock', resource, { seconds: 60 })).toBeUndefined();
      }
      const again = await client.lock('lock', resource, { seconds: 60, owner: 'ann' });
      expect(again?.owner).toBe('ann');
      await again?.release();
    });
  });

  it.skipIf(!changeColour)('is told of changed configuration', async () => {
    await using client = createClient({ address: sidecar().grpc });
    const changed = Promise.withResolvers<string | undefined>();
    await using _subscription = await client
      .configuration('config')
      .subscribe(['colour'], ({ colour }) => {
        if (colour?.value === 'green') changed.resolve(colour.value);
      });
    // daprd tells that it watches before it does.
    await vi.waitFor(async () => {
      await changeColour!('green');
      const soon = new Promise((resolve) => setTimeout(resolve, 50));
      expect(await Promise.race([changed.promise, soon])).toBe('green');
    });
  });

  it('says that streams need gRPC', async () => {
    await using client = createClient({ address: sidecar().http });
    const subscribing = client.subscribe('pubsub', 'a', () => {});
    await expect(subscribing).rejects.toMatchObject({
      code: 'UNSUPPORTED',
      message: expect.stringContaining('grpc://'),
    });
  });

  it('rejects a subscription that the sidecar refuses', async () => {
    await using client = createClient({ address: sidecar().grpc });
    const subscribing = client.subscribe('absent', 'a', () => {});
    await expect(subscribing).rejects.toMatchObject({ name: 'TroupeError' });
  });
}
