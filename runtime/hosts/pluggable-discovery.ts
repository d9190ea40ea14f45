/**
 * Makes pluggable components known: every socket is asked by gRPC
 * reflection which component services it has, and becomes rows of the registry
 * under the socket's name. A name that Troupe has itself is theirs then, as in
 * daprd.
 */
import { parse } from 'node:path';
import type { Component, DriverEntry, Kind } from '../../components/component.ts';
import { componentKinds, createRegistry, type Registry } from '../../components/registry.ts';
import { TroupeError } from '../core/errors.ts';
import type { EngineLogger } from '../core/ports.ts';
import { createGrpcClient } from '../transport/grpc/client.ts';
import { createComponentProtos } from '../transport/grpc/proto.ts';
import { PACKAGE, type Pluggable } from './pluggable-connection.ts';

const VERSIONS = ['v1'];
const REFLECTION = 'grpc.reflection.v1';
/** Every server that has reflection has this version of it. */
const ALPHA_PATH = '/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo';
/** How long a socket may take to say what it serves. */
const REFLECTION_MS = 10_000;

interface ServiceList {
  readonly listServicesResponse?: { readonly service?: readonly { readonly name: string }[] };
}

/** The registry with the components that serve on these sockets. Errors: UNAVAILABLE when one does not say what it serves. */
export async function discoverPluggables(
  sockets: readonly string[],
  logger: EngineLogger,
): Promise<Registry> {
  const found = await Promise.all(sockets.map(describe));
  for (const { name, services } of found) {
    for (const service of services) {
      logger.info({}, `pluggable component '${name}' was successfully registered for '${service}'`);
    }
  }
  return withPluggables(found);
}

async function describe(socket: string): Promise<Pluggable> {
  const codec = createComponentProtos().method<object, ServiceList>(
    `${REFLECTION}.ServerReflection`,
    'ServerReflectionInfo',
  );
  await using client = createGrpcClient({
    host: 'localhost',
    port: 80,
    socket,
    maxMessageBytes: Number.POSITIVE_INFINITY,
  });
  const call = client.call(ALPHA_PATH, { timeoutMs: REFLECTION_MS });
  void call.write(codec.request.encode({ listServices: '*' }));
  call.end();
  for await (const bytes of call.messages()) {
    const { listServicesResponse } = codec.response.decode(bytes);
    const names = listServicesResponse?.service?.map(({ name }) => name) ?? [];
    const services = names.filter((name) => name.startsWith(`${PACKAGE}.`));
    return { name: parse(socket).name, socket, services: new Set(services) };
  }
  const { status } = await call.ended;
  throw new TroupeError(
    'UNAVAILABLE',
    `the pluggable component at ${socket} does not list its services: ${status.message}; is it running, with server reflection?`,
  );
}

/** The registry over what ships with Troupe and the components given. */
function withPluggables(found: readonly Pluggable[]): Registry {
  const rows = <C extends Component>(
    kind: string,
    services: readonly string[],
    load: (pluggable: Pluggable) => DriverEntry<C>['load'],
  ): DriverEntry<C>[] =>
    found
      .filter((one) => services.some((service) => one.services.has(`${PACKAGE}.${service}`)))
      .map((one) => ({ type: `${kind}.${one.name}`, versions: VERSIONS, load: load(one) }));
  const before = <C extends Component>(kind: Kind<C>, more: DriverEntry<C>[]): Kind<C> => ({
    ...kind,
    drivers: [...more, ...kind.drivers],
  });
  return createRegistry({
    ...componentKinds,
    state: before(
      componentKinds.state,
      rows('state', ['StateStore'], (one) => async () => {
        const { pluggableState } = await import('./pluggable-state.ts');
        return pluggableState(one);
      }),
    ),
    pubsub: before(
      componentKinds.pubsub,
      rows('pubsub', ['PubSub'], (one) => async () => {
        const { pluggablePubSub } = await import('./pluggable-pubsub.ts');
        return pluggablePubSub(one);
      }),
    ),
    bindings: before(
      componentKinds.bindings,
      rows('bindings', ['InputBinding', 'OutputBinding'], (one) => async () => {
        const { pluggableBinding } = await import('./pluggable-bindings.ts');
        return pluggableBinding(one);
      }),
    ),
    secretstores: before(
      componentKinds.secretstores,
      rows('secretstores', ['SecretStore'], (one) => async () => {
        const { pluggableSecrets } = await import('./pluggable-secrets.ts');
        return pluggableSecrets(one);
      }),
    ),
  });
}
