/** Behaviours of events, durable sends and deletion. */
import { expect } from 'vitest';
import type { Probe, Reader } from './actors.ts';
import type { Behaviour } from './behaviour.ts';
import { waitFor } from './stage.ts';

export const SENDS: readonly Behaviour[] = [
  {
    topic: 'pub/sub',
    says: 'a topic is delivered into actors, and to whoever subscribed, each event once on state',
    async shows({ ref, system, id }) {
      const heard: unknown[] = [];
      await using _subscription = await system.subscribe({ topic: 'news' }, async ({ data }) => {
        heard.push(data);
      });
      await system.publish('news', { id, text: 'hello' });
      const reader = ref<Reader>('Reader', id);
      await waitFor(async () => (await reader.all()).length > 0, 'the actor has read it');
      expect(await reader.all()).toEqual(['news: hello']);
      await waitFor(() => heard.length > 0, 'the subscriber has heard it');
      expect(heard).toContainEqual({ id, text: 'hello' });
    },
  },
  {
    topic: 'pub/sub',
    says: 'what a turn publishes through the outbox leaves with its commit',
    async shows({ ref, id }) {
      await ref<Probe>('Probe', `${id}-from`).announce(id);
      const reader = ref<Reader>('Reader', id);
      await waitFor(async () => (await reader.all()).length > 0, 'the actor has read it');
      expect(await reader.all()).toEqual(['news: from the outbox']);
    },
  },
  {
    topic: 'durable sends',
    says: 'what a turn sends takes effect once, in order',
    async shows({ ref, services, id }) {
      await ref<Probe>('Probe', `${id}-from`).send(id);
      const expected = ['one', 'two', 'three'].map((text) => `${id} ${text}`);
      await waitFor(() => services.log.includes(expected[2]!), 'the last one arrived');
      expect(services.log.filter((line) => expected.includes(line))).toEqual(expected);
      expect(await ref<Probe>('Probe', id).add(0)).toBe(6);
    },
  },
  {
    topic: 'deletion',
    says: 'an actor that deletes itself comes back without state and reminders',
    async shows({ ref, id }) {
      const probe = ref<Probe>('Probe', id);
      await probe.setBoth(5);
      await probe.remindLater();
      expect(await probe.reminder('later')).toBeDefined();
      await probe.leave();
      expect(await probe.look()).toEqual({ count: 0, other: 0 });
      expect(await probe.reminder('later')).toBeUndefined();
    },
  },
];
