/** Every HTTP route and gRPC method that Dapr documents is served and tested; docs/reference/dapr-api.md says where. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { credentials, Client } from '@grpc/grpc-js';
import { expect, it } from 'vitest';
import { createApi } from '../runtime/api/index.ts';
import { DAPR_SERVICE, daprMethods } from '../runtime/transport/grpc/dapr-methods.ts';
import { createDaprGrpcServer } from '../runtime/transport/grpc/dapr-server.ts';
import { callRaw, protos } from '../runtime/transport/grpc/grpc.fixture.ts';
import { UNSERVED } from '../runtime/transport/grpc/methods/unserved.ts';
import { createRouter } from '../runtime/transport/router.ts';
import { evidenceOfMethod, evidenceOfRoute, type Evidence } from './dapr-api/evidence.ts';
import { ROUTES, WORKFLOW_ROUTES, type DocumentedRoute } from './dapr-api/routes.ts';

const PAGE = 'docs/reference/dapr-api.md';
const ROOT = join(import.meta.dirname, '..');
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
const find = createRouter(api.routes);

const HERE = 'test/dapr-api.test.ts';
const REFUSED = 'answers unimplemented';

function isServed({ path }: DocumentedRoute, verb: string): boolean {
  if (path.startsWith('/v1.0/invoke/')) return api.fallback.methods.includes('*');
  return find(verb, path.replaceAll(/\{(\w+)\}/g, '$1').replaceAll('*', 'rest')) !== undefined;
}

function stateOf(route: DocumentedRoute): string {
  if (WORKFLOW_ROUTES.includes(route) || route.path.includes('/subtlecrypto/')) return REFUSED;
  return route.verbs.every((verb) => isServed(route, verb)) ? 'served' : 'missing';
}

const methods = protos.methods(DAPR_SERVICE);
const rows = new Set(daprMethods({ api, maxBytes: 1 }).map(({ name }) => name));

function servedMethod(method: string): string {
  if (method.includes('Workflow') || method in UNSERVED) return REFUSED;
  return rows.has(method) ? 'served' : 'missing';
}

function row(name: string, state: string, { compared, file }: Evidence): string {
  if (state === REFUSED) return `| \`${name}\` | ${state} | [here](../../${HERE}) |`;
  const others = file === undefined ? '' : `[${file}](../../${file})`;
  return `| \`${name}\` | ${state} | ${compared === 0 ? others : `${compared} requests`} |`;
}

function page(): string {
  const http = ROUTES.map((route) =>
    row(`${route.verbs.join(' ')} ${route.path}`, stateOf(route), evidenceOfRoute(route)),
  );
  const grpc = methods.map((method) => row(method, servedMethod(method), evidenceOfMethod(method)));
  return `# Dapr's API, route by route

Written by \`${HERE}\` from the routes and methods that Troupe mounts: what Dapr documents,
whether it is served, and how many requests of the [comparison with daprd](dapr-differences.md)
use it, or the test that does where two processes cannot answer alike. Workflows are the one
block that is not there; the subtle cryptography API is left out of daprd's releases too.

## HTTP

| route | | tested by |
|---|---|---|
${http.join('\n')}

## gRPC: ${DAPR_SERVICE}

| method | | tested by |
|---|---|---|
${grpc.join('\n')}
`;
}

it('every documented route is served, or refused by name', () => {
  const missing = ROUTES.filter((route) => stateOf(route) === 'missing');
  expect(missing).toEqual([]);
});

it('a route that is missing would be noticed', () => {
  expect(stateOf({ verbs: ['GET'], path: '/v1.0/nonsense/{x}' })).toBe('missing');
  expect(stateOf({ verbs: ['PATCH'], path: '/v1.0/state/{store}' })).toBe('missing');
});

it('every method of the proto is served, or refused by name', () => {
  expect(methods.filter((method) => servedMethod(method) === 'missing')).toEqual([]);
});

it.each(WORKFLOW_ROUTES)('$path says that there are no workflows', async ({ verbs, path }) => {
  const match = find(verbs[0]!, path.replaceAll(/\{(\w+)\}/g, '$1'));
  const request = { path } as Parameters<NonNullable<typeof match>['route']['handle']>[0];
  expect(() => match!.route.handle(request)).toThrow(/no workflows/);
});

it.each(methods.filter((method) => servedMethod(method) === REFUSED))(
  '%s is UNIMPLEMENTED',
  async (method) => {
    await using server = await createDaprGrpcServer({ api, logger, protos });
    const client = new Client(`127.0.0.1:${server.port}`, credentials.createInsecure());
    const { code, message } = await callRaw(client, `/${DAPR_SERVICE}/${method}`, Buffer.alloc(0));
    client.close();
    expect({ code, message }).toEqual({ code: 12, message: expect.stringContaining(method) });
  },
);

it('what is served is tested', () => {
  const served = [
    ...ROUTES.filter((route) => stateOf(route) === 'served').map(evidenceOfRoute),
    ...methods.filter((method) => servedMethod(method) === 'served').map(evidenceOfMethod),
  ];
  const untested = served.filter(({ compared, file }) => compared === 0 && file === undefined);
  expect(untested).toEqual([]);
  const files = served.flatMap(({ file }) => (file === undefined ? [] : [file]));
  expect(files.filter((file) => !existsSync(join(ROOT, file)))).toEqual([]);
});

it(`${PAGE} says so`, async () => {
  await expect(page()).toMatchFileSnapshot(join(ROOT, PAGE));
});
