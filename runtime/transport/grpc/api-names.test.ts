import { credentials, Client } from '@grpc/grpc-js';
import { expect, it } from 'vitest';
import { createApi } from '../../api/index.ts';
import { apiOf } from './api-names.ts';
import { DAPR_SERVICE } from './dapr-methods.ts';
import { createDaprGrpcServer } from './dapr-server.ts';
import { callRaw, protos } from './grpc.fixture.ts';

it('every method belongs to a named API', () => {
  expect(protos.methods(DAPR_SERVICE).filter((method) => apiOf(method).name === '')).toEqual([]);
});

it.each([
  ['GetState', 'state', 'v1'],
  ['QueryStateAlpha1', 'state', 'v1alpha1'],
  ['ListActorReminders', 'actors', 'v1'],
  ['SubscribeActorEventsAlpha1', 'actors', 'v1alpha1'],
  ['SubscribeTopicEventsAlpha1', 'subscribe', 'v1alpha1'],
  ['StartWorkflowBeta1', 'workflows', 'v1beta1'],
  ['ConverseAlpha2', 'conversation', 'v1alpha2'],
])('%s is %s.%s', (method, name, version) => {
  expect(apiOf(method)).toEqual({ name, version });
});

it('an API that is taken away is UNIMPLEMENTED, the others go on', async () => {
  const none = new Map<string, never>();
  const logger = { debug() {}, info() {}, warn() {}, error() {} };
  const api = createApi({
    appId: 'shop',
    runtimeVersion: '0',
    stateStores: none,
    pubsubs: none,
    components: [],
    now: () => 0,
    logger,
  });
  await using server = await createDaprGrpcServer({
    api,
    logger,
    protos,
    allows: ({ name }) => name !== 'metadata',
  });
  const client = new Client(`127.0.0.1:${server.port}`, credentials.createInsecure());
  const call = (method: string): Promise<{ code: number; message: string }> =>
    callRaw(client, `/${DAPR_SERVICE}/${method}`, Buffer.alloc(0));
  expect(await call('GetMetadata')).toMatchObject({ code: 12, message: 'Not Implemented' });
  expect((await call('GetState')).code).not.toBe(12);
  client.close();
});
