/**
 * For the tests of loading: a registry with, beside the real drivers, two whose
 * behaviour the test chooses, `state.probe` and `secretstores.probe`, and a
 * record of what they were given, opened and closed.
 */
import type {
  Component,
  ComponentOptions,
  ComponentUsage,
  Driver,
} from '../../components/component.ts';
import { componentKinds, createRegistry } from '../../components/registry.ts';
import type { Registry } from '../../components/registry.ts';
import type { SecretStore } from '../../components/secretstores/contract.ts';
import type { StateStore } from '../../components/state/contract.ts';
import { component } from '../config/component.ts';
import type { ComponentSpec, MetadataItem } from '../config/component.ts';
import { loadComponents } from './components.ts';
import type { LoadedComponents, LoadOptions } from './components.ts';

export interface Behaviour {
  readonly features?: readonly string[];
  readonly fails?: string;
  readonly hangs?: boolean;
  readonly failsToClose?: boolean;
  readonly usage?: ComponentUsage;
  readonly secrets?: Readonly<Record<string, Record<string, string>>>;
}

/** A driver that is not one of ours: it says what it was given and when it was opened and closed. */
function probe<C extends Component>(behaviour: Behaviour, { given, events }: Trial): Driver<C> {
  return {
    fields: [
      { name: 'url', description: 'where', aliases: ['address'] },
      { name: 'consumerID', description: 'who' },
    ],
    async create(options, { signal }) {
      given.push(options);
      if (behaviour.hangs) {
        const { promise, resolve } = Promise.withResolvers<void>();
        signal.addEventListener('abort', () => resolve());
        await promise;
      }
      if (behaviour.fails) throw new Error(behaviour.fails);
      events.push(`open ${options.name}`);
      const close = async (): Promise<void> => {
        events.push(`close ${options.name}`);
        if (behaviour.failsToClose) throw new Error('stuck');
      };
      return {
        features: behaviour.features ?? [],
        ...(behaviour.usage ? { usage: () => behaviour.usage } : {}),
        ping: async () => undefined,
        getSecret: async (name: string) => {
          const secret = behaviour.secrets?.[name];
          if (!secret) throw new Error('no such secret');
          return secret;
        },
        close,
        [Symbol.asyncDispose]: close,
      } as unknown as C;
    },
  };
}

function registryOf(trial: Trial, state: Behaviour, secrets: Behaviour): Registry {
  const entry = <C extends Component>(type: string, driver: Driver<C>) => ({
    type,
    versions: ['v1'],
    load: async () => driver,
  });
  const { state: stores, secretstores } = componentKinds;
  return createRegistry({
    ...componentKinds,
    state: {
      ...stores,
      drivers: [...stores.drivers, entry('state.probe', probe<StateStore>(state, trial))],
    },
    secretstores: {
      ...secretstores,
      drivers: [
        ...secretstores.drivers,
        entry('secretstores.probe', probe<SecretStore>(secrets, trial)),
      ],
    },
  });
}

export interface Overrides extends Partial<LoadOptions> {
  readonly state?: Behaviour;
  readonly secrets?: Behaviour;
}

/** Everything that happened in one test. */
export interface Trial {
  readonly lines: { level: string; fields: object; message: string }[];
  readonly events: string[];
  readonly given: ComponentOptions[];
}

export interface Loader extends Trial {
  load(specs: readonly ComponentSpec[], overrides?: Overrides): Promise<LoadedComponents>;
}

export function createLoader(): Loader {
  const trial: Trial = { lines: [], events: [], given: [] };
  const log = (level: string) => (fields: object, message: string) => {
    trial.lines.push({ level, fields, message });
  };
  return {
    ...trial,
    load: (specs, { state = {}, secrets = {}, ...overrides } = {}) =>
      loadComponents(specs, {
        registry: registryOf(trial, state, secrets),
        appId: 'shop',
        env: {},
        now: () => 0,
        logger: { debug: log('debug'), info: log('info'), warn: log('warn'), error: log('error') },
        ...overrides,
      }),
  };
}

/** A component as YAML gives it, with line numbers. */
export function spec(
  name: string,
  type: string,
  items: MetadataItem[],
  more: Partial<ComponentSpec> = {},
): ComponentSpec {
  return {
    ...component(name, type),
    metadata: items,
    source: { file: 'c.yaml', line: 1 },
    ...more,
  };
}
