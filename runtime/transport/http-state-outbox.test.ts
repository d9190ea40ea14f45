import { describe, expect, it, vi } from 'vitest';
import type { CloudEvent } from '../actor/index.ts';
import { component } from '../index.ts';
import { openApi } from './api.fixture.ts';

async function open(metadata: Record<string, string> = {}) {
  const api = await openApi({
    components: [
      component('statestore', 'state.in-memory', { actorStateStore: 'true' }),
      component('pubsub', 'pubsub.in-memory'),
      component('orders', 'state.in-memory', {
        outboxPublishPubsub: 'pubsub',
        outboxPublishTopic: 'changes',
        ...metadata,
      }),
    ],
  });
  const events: CloudEvent[] = [];
  await api.system.subscribe({ topic: 'changes' }, async (event) => void events.push(event));
  const transact = (operations: readonly object[]) =>
    api.send('POST', '/v1.0/state/orders/transaction', { body: { operations } });
  const upsert = (request: object) => ({ operation: 'upsert', request });
  return { api, events, transact, upsert, [Symbol.asyncDispose]: () => api.system.close() };
}

describe('the outbox of a state store', () => {
  it('publishes what a transaction sets, once, and not what it deletes', async () => {
    await using host = await open();
    const { events, transact, upsert } = host;
    const metadata = { 'outbox.cloudevent.myapp': 'myapp1', data: 'no', id: 'no' };
    expect((await transact([upsert({ key: '1', value: '2', metadata })])).status).toBe(204);
    await vi.waitFor(() => expect(events).toHaveLength(1));
    expect(events[0]).toMatchObject({
      id: expect.stringMatching(/^outbox-/) as string,
      source: 'shop',
      topic: 'changes',
      pubsubname: 'pubsub',
      data: '2',
      'outbox.cloudevent.myapp': 'myapp1',
    });
    expect((await host.api.send('GET', '/v1.0/state/orders/1')).json).toBe('2');
    await transact([{ operation: 'delete', request: { key: '1' } }]);
    await transact([upsert({ key: '2', value: 'last' })]);
    await vi.waitFor(() => expect(events.map(({ data }) => data)).toEqual(['2', 'last']));
  });

  it('publishes a projection in place of the value, and stores the value', async () => {
    await using host = await open();
    const { events, transact, upsert } = host;
    const json = { datacontenttype: 'application/json' };
    await transact([
      upsert({ key: '1', value: { whole: true }, metadata: json }),
      upsert({ key: '1', value: { part: 1 }, metadata: { 'outbox.projection': 'true', ...json } }),
    ]);
    await vi.waitFor(() => expect(events.map(({ data }) => data)).toEqual([{ part: 1 }]));
    expect((await host.api.send('GET', '/v1.0/state/orders/1')).json).toEqual({ whole: true });
  });

  it('publishes nothing of a transaction that was not made', async () => {
    await using host = await open();
    const { events, transact, upsert } = host;
    const refused = await transact([upsert({ key: '1', value: 'x', etag: '99' })]);
    expect(refused.status).toBe(500);
    await transact([upsert({ key: '2', value: 'y' })]);
    await vi.waitFor(() => expect(events.map(({ data }) => data)).toContain('y'));
    expect(events.map(({ data }) => data)).not.toContain('x');
  });

  it('refuses the transaction when the event cannot be kept', async () => {
    await using host = await open({ outboxPubsub: 'none' });
    const answer = await host.transact([host.upsert({ key: '1', value: 'x' })]);
    expect([answer.status, answer.json]).toMatchObject([
      500,
      { errorCode: 'ERR_PUBLISH_OUTBOX', details: [{ reason: 'DAPR_PUBSUB_OUTBOX' }] },
    ]);
    expect((await host.api.send('GET', '/v1.0/state/orders/1')).status).toBe(204);
  });
});
