/** HTTPEndpoints as they are called: references in their headers and certificates looked up. */
import { randomUUID } from 'node:crypto';
import type { ComponentSpec, MetadataItem } from '../config/component.ts';
import type { HttpEndpointSpec, Secretable } from '../config/http-endpoint.ts';
import type { HttpEndpoint } from '../targets/http-endpoints.ts';
import { resolveMetadata } from './component-metadata.ts';
import type { LoadedComponents } from './loaded-components.ts';

export interface EndpointSources {
  readonly appId: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly secretStores: LoadedComponents['secretStores'];
}

/** Longest time that looking up the references of one endpoint may take. */
const LOOKUP_MS = 5000;

/** By name. Errors: COMPONENT that names the endpoint and the entry that cannot be resolved. */
export async function resolveEndpoints(
  specs: readonly HttpEndpointSpec[],
  sources: EndpointSources,
): Promise<ReadonlyMap<string, HttpEndpoint>> {
  const endpoints = new Map<string, HttpEndpoint>();
  for (const spec of specs) endpoints.set(spec.name, await resolveOne(spec, sources));
  return endpoints;
}

async function resolveOne(spec: HttpEndpointSpec, sources: EndpointSources): Promise<HttpEndpoint> {
  const lookUp = (metadata: readonly MetadataItem[]): Promise<Record<string, string>> => {
    const asComponent: ComponentSpec = {
      name: spec.name,
      type: 'HTTPEndpoint',
      version: 'v1alpha1',
      ignoreErrors: false,
      initTimeoutMs: LOOKUP_MS,
      metadata,
      ...(spec.secretStore === undefined ? {} : { secretStore: spec.secretStore }),
    };
    const all = { ...sources, uuid: randomUUID };
    return resolveMetadata(asComponent, all, AbortSignal.timeout(LOOKUP_MS));
  };
  const { rootCA, certificate, privateKey } = spec.clientTls ?? {};
  const parts = await lookUp([
    ...itemOf('ca', rootCA),
    ...itemOf('cert', certificate),
    ...itemOf('key', privateKey),
  ]);
  return {
    baseUrl: spec.baseUrl,
    headers: await lookUp(spec.headers),
    ...(spec.clientTls ? { tls: parts } : {}),
  };
}

function itemOf(name: string, given: Secretable | undefined): MetadataItem[] {
  return given ? [{ name, ...given }] : [];
}
