import type { Block, Case } from '../case.ts';

const CART = '/v1.0/actors/Cart/c-1';

const call = (method: string, verb = 'POST', body?: unknown, headers = {}): Case => ({
  verb,
  path: `${CART}/method/${method}`,
  headers,
  ...(body === undefined ? {} : { body }),
  words: false,
});

const transaction = (body: unknown, words?: false): Case => ({
  verb: 'POST',
  path: `${CART}/state`,
  body,
  ...(words === undefined ? {} : { words }),
});

export const actors: Block[] = [
  {
    name: 'calling actors over HTTP',
    cases: [
      ...['POST', 'PUT', 'GET', 'DELETE'].map((verb) =>
        call('echo', verb, verb === 'GET' ? undefined : { n: 1 }, {
          'content-type': 'application/json',
        }),
      ),
      call('echo', 'PATCH', '1'),
      ...['nothing', 'fail', 'lost', 'made', 'apperror'].map((method) => call(method)),
      call('echo?x=1', 'POST', 'text', { 'content-type': 'text/plain' }),
      call('with/slash'),
      call('with%3Fmark'),
      call('with%23hash'),
      call(''),
      { verb: 'POST', path: '/v1.0/actors/Nobody/1/method/echo', words: false },
      { verb: 'POST', path: '/v1.0/actors/Cart/a%2Fb/method/echo', words: false },
      { verb: 'POST', path: '/v1.0/actors/Cart/a%20b/method/echo', words: false },
      { verb: 'POST', path: '/v1.0/actors/Cart//method/echo', words: false },
      { verb: 'POST', path: '/v1.0/actors/Cart/c-1', words: false },
      {
        verb: 'POST',
        path: '/v1.0/actors/dapr.internal.default.shop.workflow/1/method/x',
        words: false,
      },
    ],
  },
  {
    name: 'actor state over HTTP',
    cases: [
      transaction([{ operation: 'upsert', request: { key: 'k', value: { n: 1 } } }]),
      { verb: 'GET', path: `${CART}/state/k` },
      transaction([
        { operation: 'upsert', request: { key: 'a', value: 'text' } },
        { operation: 'upsert', request: { key: 'b', value: 2 } },
        { operation: 'delete', request: { key: 'k' } },
      ]),
      ...['k', 'a', 'b', 'none'].map((key): Case => ({
        verb: 'GET',
        path: `${CART}/state/${key}`,
      })),
      transaction([]),
      transaction('', false),
      transaction('{', false),
      transaction('{}', false),
      transaction([{ operation: 'add', request: { key: 'x' } }], false),
      transaction([{ operation: 'upsert', request: {} }], false),
      transaction([{ operation: 'upsert' }], false),
      transaction(
        [{ operation: 'upsert', request: { key: 't', value: 1, metadata: { ttlInSeconds: '5' } } }],
        false,
      ),
      {
        verb: 'POST',
        path: '/v1.0/actors/Cart/never-called/state',
        body: [{ operation: 'upsert', request: { key: 'k', value: 1 } }],
        words: false,
      },
      { verb: 'GET', path: '/v1.0/actors/Cart/never-called/state/k', words: false },
      { verb: 'GET', path: '/v1.0/actors/Nobody/1/state/k', words: false },
    ],
  },
  {
    name: 'reminders and timers over HTTP',
    cases: [
      { verb: 'GET', path: `${CART}/reminders/none`, words: false },
      {
        verb: 'POST',
        path: `${CART}/reminders/later`,
        body: { dueTime: '1h', period: '30m', data: { a: 1 } },
      },
      { verb: 'GET', path: `${CART}/reminders/later` },
      {
        verb: 'PUT',
        path: `${CART}/reminders/later`,
        body: { dueTime: '2h', data: 'text' },
      },
      { verb: 'GET', path: `${CART}/reminders/later` },
      {
        verb: 'POST',
        path: `${CART}/reminders/later`,
        body: { dueTime: '2h', overwrite: false },
        words: false,
      },
      {
        verb: 'POST',
        path: `${CART}/reminders/iso`,
        body: { dueTime: 'PT1H', period: 'R3/PT30M', ttl: '10h' },
      },
      { verb: 'GET', path: `${CART}/reminders/iso` },
      { verb: 'DELETE', path: `${CART}/reminders/iso` },
      { verb: 'DELETE', path: `${CART}/reminders/iso` },
      ...[
        { dueTime: 'soon' },
        { dueTime: '1h', period: 'often' },
        { dueTime: '1h', ttl: 'short' },
        { dueTime: '1h', period: 'R0/PT1S' },
        { dueTime: '-1h' },
        '{',
        '',
        { dueTime: 5 },
      ].flatMap((body): Case[] => [
        { verb: 'POST', path: `${CART}/reminders/bad`, body, words: false },
        { verb: 'POST', path: `${CART}/timers/bad`, body, words: false },
      ]),
      { verb: 'DELETE', path: `${CART}/reminders/bad` },
      { verb: 'DELETE', path: `${CART}/timers/bad` },
      {
        verb: 'POST',
        path: `${CART}/timers/tick`,
        body: { dueTime: '0s', callback: 'ticked', data: { t: 1 } },
      },
      { app: '/actors/Cart/c-1/method/timer/tick', count: 1 },
      { verb: 'DELETE', path: `${CART}/timers/tick` },
      {
        verb: 'POST',
        path: `${CART}/reminders/now`,
        body: { dueTime: '0s', data: { r: 1 } },
      },
      { app: '/actors/Cart/c-1/method/remind/now', count: 1 },
      {
        verb: 'POST',
        path: '/v1.0/actors/Nobody/1/reminders/r',
        body: { dueTime: '1h' },
        words: false,
      },
      {
        verb: 'POST',
        path: '/v1.0/actors/Nobody/1/timers/r',
        body: { dueTime: '1h' },
        words: false,
      },
    ],
  },
  {
    name: 'actors over gRPC',
    cases: [
      ...['echo', 'nothing', 'fail', 'lost', 'made', 'apperror'].map((method): Case => ({
        grpc: 'InvokeActor',
        request: { actorType: 'Cart', actorId: 'c-2', method, data: { bytes: '{"n":1}' } },
        words: false,
      })),
      {
        grpc: 'InvokeActor',
        request: { actorType: 'Nobody', actorId: '1', method: 'x' },
        words: false,
      },
      {
        grpc: 'InvokeActor',
        request: { actorType: 'Cart', actorId: '', method: 'x' },
        words: false,
      },
      {
        grpc: 'ExecuteActorStateTransaction',
        request: {
          actorType: 'Cart',
          actorId: 'c-2',
          operations: [{ operationType: 'upsert', key: 'k', value: { value: { bytes: '"v"' } } }],
        },
      },
      { grpc: 'GetActorState', request: { actorType: 'Cart', actorId: 'c-2', key: 'k' } },
      { grpc: 'GetActorState', request: { actorType: 'Cart', actorId: 'c-2', key: 'none' } },
      {
        grpc: 'GetActorState',
        request: { actorType: 'Cart', actorId: 'x', key: 'k' },
        words: false,
      },
      {
        grpc: 'RegisterActorReminder',
        request: { actorType: 'Cart', actorId: 'c-2', name: 'r1', dueTime: '1h' },
      },
      {
        grpc: 'RegisterActorReminder',
        request: { actorType: 'Cart', actorId: 'c-2', name: 'r2', dueTime: 'soon' },
        words: false,
      },
      {
        grpc: 'GetActorReminder',
        request: { actorType: 'Cart', actorId: 'none', name: 'r1' },
        words: false,
      },
      { grpc: 'ListActorReminders', request: { actorType: 'Cart', actorId: 'none' } },
      { grpc: 'UnregisterActorRemindersByType', request: { actorType: 'Cart', actorId: 'none' } },
      {
        grpc: 'UnregisterActorReminder',
        request: { actorType: 'Cart', actorId: 'c-2', name: 'r1' },
      },
      {
        grpc: 'RegisterActorTimer',
        request: { actorType: 'Cart', actorId: 'c-2', name: 't1', dueTime: '1h' },
      },
      { grpc: 'UnregisterActorTimer', request: { actorType: 'Cart', actorId: 'c-2', name: 't1' } },
    ],
  },
];
