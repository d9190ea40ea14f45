import { request as httpRequest } from 'node:http';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { openApi, type ApiFixture } from './api.fixture.ts';

let api: ApiFixture;
beforeAll(async () => {
  api = await openApi();
});
afterAll(() => api[Symbol.asyncDispose]());

const actor = (id: string, rest: string): string => `/v1.0/actors/Counter/${id}/${rest}`;

describe('an actor method over HTTP', () => {
  it('answers with its JSON, whatever the verb', async () => {
    const answer = await api.send('PUT', actor('a', 'method/add'), { body: 2 });
    expect([answer.status, answer.text]).toEqual([200, '2']);
    expect(answer.headers.get('content-type')).toBe('application/json');
    expect((await api.send('POST', actor('a', 'method/add'), { body: 3 })).json).toBe(5);
    expect((await api.send('GET', actor('a', 'method/get'))).json).toBe(5);
  });

  it('that returns nothing is 200 without a body', async () => {
    const answer = await api.send('PUT', actor('a', 'method/nothing'));
    expect([answer.status, answer.text]).toEqual([200, '']);
  });

  it('may answer with bytes', async () => {
    const response = await fetch(api.base + actor('a', 'method/bytes'), { method: 'PUT' });
    expect(response.headers.get('content-type')).toBe('application/octet-stream');
    expect([...new Uint8Array(await response.arrayBuffer())]).toEqual([0, 255, 128, 10]);
  });

  it('carries the application error with its status, code and details', async () => {
    const answer = await api.send('PUT', actor('a', 'method/refuse'));
    expect(answer.status).toBe(422);
    expect(answer.json).toMatchObject({
      errorCode: 'OUT_OF_STOCK',
      message: 'none left of 85123A',
      details: { code: 'OUT_OF_STOCK', application: true, details: { code: '85123A' } },
    });
  });

  it('that crashes gives away nothing, and the host lives on', async () => {
    const answer = await api.send('PUT', actor('a', 'method/crash'));
    expect(answer.status).toBe(500);
    expect(answer.json).toMatchObject({ errorCode: 'ERR_ACTOR_INVOKE_METHOD' });
    expect(answer.text).not.toContain('secret internals');
    expect((await api.send('GET', actor('a', 'method/get'))).json).toBe(5);
  });

  it.each([
    ['an unknown type', '/v1.0/actors/Nobody/1/method/get', 404, 'ERR_ACTOR_NO_ADDRESS'],
    ['an unknown method', actor('a', 'method/nope'), 404, 'ERR_ACTOR_INVOKE_METHOD'],
    ['a hook', actor('a', 'method/onDeactivate'), 404, 'ERR_ACTOR_INVOKE_METHOD'],
    ['a member of Object', actor('a', 'method/toString'), 404, 'ERR_ACTOR_INVOKE_METHOD'],
    ['an id with a slash', actor('a%2Fb', 'method/get'), 400, 'ERR_BAD_REQUEST'],
    [
      "Dapr's own workflow actors",
      '/v1.0/actors/dapr.internal.default.x.workflow/1/method/get',
      403,
      'ERR_ACTOR_TYPE_RESERVED',
    ],
  ])('is refused for %s', async (_what, path, status, errorCode) => {
    const answer = await api.send('PUT', path);
    expect([answer.status, answer.json]).toMatchObject([status, { errorCode }]);
  });

  it('refuses a body that is not JSON', async () => {
    const answer = await api.send('PUT', actor('a', 'method/add'), { body: '{oops' });
    expect([answer.status, answer.json]).toMatchObject([400, { errorCode: 'ERR_BAD_REQUEST' }]);
  });

  it('ends with 504 when its time is up', async () => {
    const answer = await api.send('PUT', actor('slow', 'method/wait'), {
      headers: { 'troupe-timeout-ms': '20' },
    });
    expect([answer.status, answer.json]).toMatchObject([504, { errorCode: 'ERR_TIMEOUT' }]);
  });

  it.each(['0', '-1', 'soon', '1.5', '99999999999'])('refuses the timeout %s', async (text) => {
    const answer = await api.send('PUT', actor('a', 'method/get'), {
      headers: { 'troupe-timeout-ms': text },
    });
    expect([answer.status, answer.json]).toMatchObject([400, { errorCode: 'ERR_BAD_REQUEST' }]);
  });

  it('hears that its client went away', async () => {
    const call = httpRequest(api.base + actor('left', 'method/wait'), { method: 'PUT' });
    call.on('error', () => {});
    call.end();
    await vi.waitFor(() =>
      expect(api.system.actors.isActive({ type: 'Counter', id: 'left' })).toBe(true),
    );
    call.destroy();
    // One turn at a time: the next call runs only after the abandoned one has ended.
    expect((await api.send('GET', actor('left', 'method/get'))).json).toBe(0);
  });

  it('returns the trace context', async () => {
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    const answer = await api.send('PUT', actor('a', 'method/get'), { headers: { traceparent } });
    expect(answer.headers.get('traceparent')).toBe(traceparent);
  });
});

describe('actor state over HTTP', () => {
  it('is read and changed, and the actor sees it', async () => {
    await api.send('PUT', actor('s', 'method/add'), { body: 1 });
    expect((await api.send('GET', actor('s', 'state/count'))).text).toBe('1');
    const changed = await api.send('POST', actor('s', 'state'), {
      body: [
        { operation: 'upsert', request: { key: 'count', value: 41 } },
        { operation: 'upsert', request: { key: 'other', value: { a: 1 } } },
      ],
    });
    expect(changed.status).toBe(204);
    expect((await api.send('PUT', actor('s', 'method/add'), { body: 1 })).json).toBe(42);
    const removed = [{ operation: 'delete', request: { key: 'other' } }];
    expect((await api.send('PUT', actor('s', 'state'), { body: removed })).status).toBe(204);
    expect((await api.send('GET', actor('s', 'state/other'))).status).toBe(204);
  });

  it('of an actor that is not active is refused', async () => {
    const answer = await api.send('POST', actor('asleep', 'state'), {
      body: [{ operation: 'upsert', request: { key: 'count', value: 1 } }],
    });
    expect(answer.status).toBe(400);
    expect(answer.json).toEqual({
      errorCode: 'ERR_ACTOR_INSTANCE_MISSING',
      message: 'actor instance is missing',
    });
  });

  it.each([
    ['an object', '{}'],
    ['an unknown operation', '[{"operation":"add","request":{"key":"a"}}]'],
    ['no key', '[{"operation":"delete","request":{}}]'],
  ])('is refused for %s', async (_what, body) => {
    const answer = await api.send('POST', actor('s', 'state'), { body });
    expect([answer.status, answer.json]).toMatchObject([
      400,
      { errorCode: 'ERR_MALFORMED_REQUEST' },
    ]);
  });
});

describe('timers and reminders over HTTP', () => {
  const reminder = actor('r', 'reminders/renew');

  it('a reminder is set, read as Dapr prints it, and deleted', async () => {
    const set = await api.send('POST', reminder, {
      body: { dueTime: '1h', period: 'R3/PT90S', ttl: '5h', data: { n: 1 } },
    });
    expect(set.status).toBe(204);
    const rfc3339 = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    expect((await api.send('GET', reminder)).json).toEqual({
      actorID: 'r',
      actorType: 'Counter',
      data: { n: 1 },
      dueTime: '1h',
      period: '@every 1m30s',
      ttl: rfc3339,
    });
    expect((await api.send('DELETE', reminder)).status).toBe(204);
    expect((await api.send('DELETE', reminder)).status).toBe(204);
    const gone = await api.send('GET', reminder);
    expect([gone.status, gone.json]).toMatchObject([
      404,
      { errorCode: 'ERR_ACTOR_REMINDER_NOT_FOUND' },
    ]);
  });

  it('a reminder that must not be overwritten is a conflict', async () => {
    const body = { dueTime: '1h', overwrite: false };
    expect((await api.send('PUT', actor('r', 'reminders/once'), { body })).status).toBe(204);
    const again = await api.send('PUT', actor('r', 'reminders/once'), { body });
    expect([again.status, again.json]).toMatchObject([
      409,
      { errorCode: 'ERR_ACTOR_REMINDER_ALREADY_EXISTS' },
    ]);
  });

  it('a timer is set and deleted', async () => {
    const timer = actor('r', 'timers/tick');
    const body = { dueTime: '1h', period: '1m', callback: 'get', data: 1 };
    expect((await api.send('POST', timer, { body })).status).toBe(204);
    expect((await api.send('DELETE', timer)).status).toBe(204);
  });

  it.each([
    ['no JSON', 'POST', reminder, '', 400, 'ERR_MALFORMED_REQUEST'],
    [
      'a due time that is none',
      'POST',
      reminder,
      '{"dueTime":"soon"}',
      500,
      'ERR_ACTOR_REMINDER_CREATE',
    ],
    [
      'a name too long for a reminder',
      'POST',
      actor('r', `reminders/${'a'.repeat(513)}`),
      '{"dueTime":"1h"}',
      500,
      'ERR_ACTOR_REMINDER_CREATE',
    ],
    [
      'a timer period that is none',
      'POST',
      actor('r', 'timers/t'),
      '{"period":"R0/PT1S"}',
      500,
      'ERR_ACTOR_TIMER_CREATE',
    ],
    [
      'a failure policy of two minds',
      'POST',
      reminder,
      '{"dueTime":"1s","failure_policy":{"drop":{},"constant":{}}}',
      400,
      'ERR_MALFORMED_REQUEST',
    ],
    [
      'a type hosted nowhere',
      'POST',
      '/v1.0/actors/Nobody/1/reminders/x',
      '{"dueTime":"1s"}',
      403,
      'ERR_ACTOR_REMINDER_NON_HOSTED',
    ],
  ])('refuses %s', async (_what, method, path, body, status, errorCode) => {
    const answer = await api.send(method, path, { body });
    expect([answer.status, answer.json]).toMatchObject([status, { errorCode }]);
  });
});
