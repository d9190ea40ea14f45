import { describe, expect, it } from 'vitest';
import { component } from '../index.ts';
import { openApi } from './api.fixture.ts';

const state = component('statestore', 'state.in-memory', { actorStateStore: 'true' });
const components = [state, component('locks', 'lock.in-memory')];
const door = { resourceId: 'door', lockOwner: 'a', expiryInSeconds: 60 };

describe('locks over HTTP', () => {
  it('are taken once, and given back by their owner', async () => {
    await using api = await openApi({ components });
    const lock = (body: unknown) => api.send('POST', '/v1.0-alpha1/lock/locks', { body });
    const unlock = (body: unknown) => api.send('POST', '/v1.0-alpha1/unlock/locks', { body });
    expect((await unlock(door)).json).toEqual({ status: 1 });
    expect((await lock(door)).json).toEqual({ success: true });
    expect((await lock({ ...door, lockOwner: 'b' })).json).toEqual({ success: false });
    expect((await unlock({ ...door, lockOwner: 'b' })).json).toEqual({ status: 2 });
    expect((await unlock(door)).json).toEqual({ status: 0 });
    expect(
      (await lock({ resource_id: 'door', lock_owner: 'b', expiry_in_seconds: '5' })).json,
    ).toEqual({ success: true });
  });

  it.each([
    [
      'lock/locks',
      { ...door, expiryInSeconds: 0 },
      'ExpiryInSeconds is not positive in lock store locks',
    ],
    ['lock/locks', { ...door, resourceId: '' }, 'ResourceId is empty in lock store locks'],
    ['unlock/locks', { resourceId: 'door' }, 'LockOwner is empty in lock store locks'],
    ['lock/none', door, 'lock store none not found'],
  ])('%s of %j is refused', async (path, body, message) => {
    await using api = await openApi({ components });
    const answer = await api.send('POST', `/v1.0-alpha1/${path}`, { body });
    expect(answer.status).toBe(400);
    expect(answer.json).toEqual({
      errorCode: path.endsWith('none') ? 'ERR_LOCK_STORE_NOT_FOUND' : 'ERR_MALFORMED_REQUEST',
      message,
    });
  });

  it.each(['{', '[]', '{"resourceId": 1}', '{"expiryInSeconds": 1.5}'])(
    'refuse the body %s',
    async (body) => {
      await using api = await openApi({ components });
      const answer = await api.send('POST', '/v1.0-alpha1/lock/locks', { body });
      expect(answer.json).toMatchObject({ errorCode: 'ERR_MALFORMED_REQUEST' });
    },
  );

  it('refuse a name with the separator of prefixes, and say when there is no store', async () => {
    await using api = await openApi({ components });
    const body = { ...door, resourceId: 'a||b' };
    const illegal = await api.send('POST', '/v1.0-alpha1/lock/locks', { body });
    expect([illegal.status, illegal.json]).toEqual([
      500,
      {
        errorCode: 'ERR_TRY_LOCK',
        message: `failed to try acquiring lock: input key/keyPrefix 'a||b' can't contain '||'`,
      },
    ]);
    await using none = await openApi();
    const missing = await none.send('POST', '/v1.0-alpha1/lock/locks', { body: door });
    expect([missing.status, missing.json]).toMatchObject([
      500,
      { errorCode: 'ERR_LOCK_STORE_NOT_CONFIGURED' },
    ]);
  });
});
