/**
 * `nameresolution.memory`, Troupe's own: hosts and services in the memory of one
 * process, which takes registrations over HTTP and checks on them. Only services
 * that pass are answered.
 */
import { ComponentError } from '../../../runtime/core/errors.ts';
import type { ComponentOptions, Driver, MetadataField } from '../../component.ts';
import { readMetadata } from '../../metadata.ts';
import { balancingField, HostBalancer, readBalancing, type Strategy } from '../balancer.ts';
import type { NameResolver } from '../contract.ts';
import { notFound } from '../not-found.ts';
import { checkFields, openCatalogue, type ServiceCatalogue } from '../service-catalogue.ts';

const STRATEGIES: readonly [Strategy, ...Strategy[]] = ['roundRobin', 'leastInFlight'];

const fields: readonly MetadataField[] = [
  {
    name: 'ttl',
    description:
      'How long a service without a health check stays without a heartbeat. At least `1s`; default `30s`.',
  },
  ...checkFields,
  balancingField(STRATEGIES),
];

/** Between signs of a host itself; within the shortest time to live. */
const SIGN_MS = 500;

/** The catalogue of a component with these options; a host has one. */
export const catalogueOf = (options: ComponentOptions): ServiceCatalogue =>
  openCatalogue(options, readMetadata(options, fields), 'ttl');

/** Resolvers over one catalogue see each other; whoever made the catalogue closes it. */
export function resolverOf(options: ComponentOptions, services: ServiceCatalogue): NameResolver {
  const balancer = new HostBalancer(readBalancing(readMetadata(options, fields), STRATEGIES));
  let own: { readonly id: string; cancel(): void } | undefined;
  let isClosed = false;

  function requireOpen(): void {
    if (isClosed) throw new ComponentError(options, 'is closed; create it again to use it');
  }

  function close(): Promise<void> {
    if (!isClosed && own && services.list().some(({ id }) => id === own?.id)) {
      services.deregister(own.id);
    }
    own?.cancel();
    isClosed = true;
    return Promise.resolve();
  }

  return {
    features: [],
    services,
    async register({ appId, host, port }) {
      requireOpen();
      if (own) throw new ComponentError(options, `"${appId}" is registered already`);
      const registration = {
        ...{ name: appId, id: `${appId}-${host}-${port}` },
        ...{ address: host, port },
      };
      services.register(registration);
      const beat = (): { cancel(): void } =>
        options.timer(SIGN_MS, () => {
          services.register(registration);
          sign = beat();
        });
      let sign = beat();
      own = { id: registration.id, cancel: () => sign.cancel() };
    },
    async resolve({ appId }) {
      requireOpen();
      const passing = services.list(appId).filter(({ status }) => status === 'passing');
      const picked = balancer.pick(
        appId,
        passing.map(({ id, address, port }) => ({ id, host: address, port })),
      );
      if (!picked) throw notFound(appId);
      return picked;
    },
    async ping() {
      requireOpen();
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

export const driver: Driver<NameResolver> = {
  fields,
  create(options) {
    const catalogue = catalogueOf(options);
    const resolver = resolverOf(options, catalogue);
    const close = async (): Promise<void> => {
      await resolver.close();
      catalogue.close();
    };
    return Promise.resolve({ ...resolver, close, [Symbol.asyncDispose]: close });
  },
};
