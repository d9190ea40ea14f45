/** Every HTTP route that Dapr documents, `{x}` for one part of the path and `*` for the rest. */
export interface DocumentedRoute {
  readonly verbs: readonly string[];
  readonly path: string;
}

const route = (verbs: string, path: string): DocumentedRoute => ({ verbs: verbs.split(' '), path });
/** The same route under the first version and the alpha that it came from. */
const both = (verbs: string, rest: string): DocumentedRoute[] =>
  ['v1.0', 'v1.0-alpha1'].map((version) => route(verbs, `/${version}/${rest}`));

export const WORKFLOW_ROUTES: readonly DocumentedRoute[] = ['v1.0', 'v1.0-beta1', 'v1.0-alpha1']
  .map((version) => `/${version}/workflows/{component}`)
  .flatMap((base) => [
    route('GET', `${base}/{id}`),
    ...['start', 'pause', 'resume', 'terminate', 'purge'].map((verb) =>
      route('POST', `${base}/{id}/${verb}`),
    ),
    route('POST', `${base}/{id}/raiseEvent/{event}`),
  ]);

export const ROUTES: readonly DocumentedRoute[] = [
  route('GET DELETE', '/v1.0/state/{store}/{key}'),
  route('POST PUT', '/v1.0/state/{store}'),
  route('POST PUT', '/v1.0/state/{store}/bulk'),
  route('POST PUT', '/v1.0/state/{store}/transaction'),
  route('POST PUT', '/v1.0-alpha1/state/{store}/query'),
  route('GET', '/v1.0/secrets/{store}/bulk'),
  route('GET', '/v1.0/secrets/{store}/{key}'),
  route('POST PUT', '/v1.0/publish/{pubsub}/*'),
  ...both('POST PUT', 'publish/bulk/{pubsub}/*'),
  route('POST PUT', '/v1.0/actors/{type}/{id}/state'),
  route('GET', '/v1.0/actors/{type}/{id}/state/{key}'),
  route('GET POST PUT DELETE', '/v1.0/actors/{type}/{id}/method/{method}'),
  route('POST PUT GET DELETE', '/v1.0/actors/{type}/{id}/reminders/{name}'),
  route('POST PUT DELETE', '/v1.0/actors/{type}/{id}/timers/{name}'),
  route('GET POST PUT DELETE PATCH OPTIONS', '/v1.0/invoke/*'),
  route('GET', '/v1.0/metadata'),
  route('PUT', '/v1.0/metadata/{key}'),
  route('POST', '/v1.0/shutdown'),
  route('POST PUT', '/v1.0/bindings/{name}'),
  ...both('GET', 'configuration/{store}'),
  ...both('GET', 'configuration/{store}/subscribe'),
  ...both('GET', 'configuration/{store}/{id}/unsubscribe'),
  route('GET', '/v1.0/healthz'),
  route('GET', '/v1.0/healthz/outbound'),
  ...both('POST DELETE GET', 'jobs/{name}'),
  route('POST', '/v1.0-alpha1/lock/{store}'),
  route('POST', '/v1.0-alpha1/unlock/{store}'),
  route('PUT', '/v1.0-alpha1/crypto/{provider}/encrypt'),
  route('PUT', '/v1.0-alpha1/crypto/{provider}/decrypt'),
  ...['getkey', 'encrypt', 'decrypt', 'wrapkey', 'unwrapkey', 'sign', 'verify'].map((operation) =>
    route('POST', `/v1.0-alpha1/subtlecrypto/{provider}/${operation}`),
  ),
  route('POST', '/v1.0-alpha1/conversation/{name}/converse'),
  route('POST', '/v1.0-alpha2/conversation/{name}/converse'),
  ...WORKFLOW_ROUTES,
];
