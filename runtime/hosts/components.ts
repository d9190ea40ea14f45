/**
 * Opens the components of a host and closes them again: secret stores first,
 * because the others' metadata may refer to them, then the rest in the order
 * given, and closing in reverse order. It knows which metadata belongs to the
 * runtime and which to the driver, and which store keeps the actors.
 */
import type { ComponentLogger } from '../../components/component.ts';
import { checkMetadata } from '../../components/registry.ts';
import type { KindName, ResolvedDriver } from '../../components/registry.ts';
import type { ComponentSpec } from '../config/component.ts';
import { ComponentError, isTroupeError, TroupeError } from '../core/errors.ts';
import { createLoading, type Loading } from './component-loading.ts';
import { entryName, invalid } from './component-metadata.ts';
import type {
  ChangeListener,
  LoadedComponents,
  LoadOptions,
  Planned,
} from './loaded-components.ts';
import { TOPIC_FIELDS } from './topic-scopes.ts';

export type { LoadedComponents, LoadOptions } from './loaded-components.ts';

/**
 * Opens every component or none. Everything that can be seen without opening
 * (unknown types, unknown or missing metadata) is reported in one error.
 * Throws ComponentError, or INVALID_ARGUMENT for several problems at once. A
 * component with `ignoreErrors` that fails is logged and left out.
 */
export async function loadComponents(
  specs: readonly ComponentSpec[],
  options: LoadOptions,
): Promise<LoadedComponents> {
  const loading = createLoading(options);
  try {
    const planned = await plan(specs, options);
    for (const item of inOrder(planned)) await loading.open(item);
    return loadedOf(loading, options);
  } catch (error) {
    await loading.close().catch((closing: unknown) => {
      options.logger.error({ err: closing }, 'closing components failed');
    });
    throw error;
  }
}

function loadedOf(loading: Loading, options: LoadOptions): LoadedComponents {
  const listeners: ChangeListener[] = [];
  const changed = async (kind: KindName, name: string): Promise<void> => {
    for (const listener of listeners) await listener({ kind, name });
  };
  const keepActors = (name: string): void => {
    const store = loading.actorStore();
    if (store?.name !== name) return;
    throw new TroupeError(
      'UNSUPPORTED',
      `component "${name}" keeps the actors, so it is not replaced while the host runs; start the host again`,
    );
  };
  const { close } = loading;
  return {
    ...loading.tables,
    get actorStore() {
      return loading.actorStore();
    },
    async replace(spec) {
      keepActors(spec.name);
      const before = loading.kindOf(spec.name);
      const [planned] = await plan([{ ...spec, ignoreErrors: false }], options);
      if (!planned) return;
      await loading.open(planned);
      await changed(planned.resolved.kind, spec.name);
      if (before) await loading.retire(spec.name);
    },
    async remove(name) {
      keepActors(name);
      const kind = loading.kindOf(name);
      if (!kind) return;
      await loading.retire(name, () => changed(kind, name));
    },
    gauge: (telemetry, namespace) => loading.gauge(telemetry, namespace),
    onChange: (listener) => void listeners.push(listener),
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** Finds each driver and holds the metadata names against it. */
async function plan(specs: readonly ComponentSpec[], options: LoadOptions): Promise<Planned[]> {
  const planned: Planned[] = [];
  const problems: ComponentError[] = [];
  const names = new Set<string>();
  for (const spec of specs) {
    const found = names.has(spec.name)
      ? [
          invalid(
            spec,
            'another component has this name; names are unique across all types, rename one',
          ),
        ]
      : [];
    names.add(spec.name);
    if (isDenied(spec, options.deniedTypes)) {
      options.logger.warn(
        { name: spec.name, type: spec.type },
        'component left out: spec.components.deny of the configuration names its type',
      );
      continue;
    }
    try {
      const resolved = await options.registry.resolve(spec.type, spec.version);
      found.push(...metadataProblems(spec, resolved, options));
      if (found.length === 0) planned.push({ spec, resolved });
    } catch (error) {
      if (!isTroupeError(error)) throw error;
      const where = spec.source ? `${spec.source.file}:${spec.source.line}: ` : '';
      found.push(
        new ComponentError(spec, `${where}${error.message}`, {
          code: 'INVALID_ARGUMENT',
          cause: error,
        }),
      );
    }
    if (spec.ignoreErrors) for (const error of found) leaveOut(spec, error, options.logger);
    else problems.push(...found);
  }
  if (problems.length === 1) throw problems[0]!;
  if (problems.length > 1) {
    const messages = problems.map(({ message }) => message);
    throw new TroupeError(
      'INVALID_ARGUMENT',
      `${messages.length} problems in components:\n${messages.join('\n')}`,
      {
        details: { problems: messages },
      },
    );
  }
  return planned;
}

/** As in Dapr: a type alone means every version of it. */
function isDenied({ type, version }: ComponentSpec, denied: readonly string[] = []): boolean {
  const lower = type.toLowerCase();
  return denied.some((one) => [lower, `${lower}/${version}`].includes(one.trim().toLowerCase()));
}

function metadataProblems(
  spec: ComponentSpec,
  { kind, fields, driver }: ResolvedDriver,
  { unknownMetadata, logger }: LoadOptions,
): ComponentError[] {
  const shared = kind === 'pubsub' ? TOPIC_FIELDS : [];
  const own = new Set(fields.map(({ name }) => name));
  const known = [...fields, ...shared.filter(({ name }) => !own.has(name))];
  const problems: ComponentError[] = [];
  const names: Record<string, string> = {};
  for (const item of spec.metadata) {
    // What a reference stands for is not known yet; any text that is not empty will do here.
    names[item.name] = 'value' in item ? item.value : 'reference';
  }
  for (const { kind: wrong, message, field } of checkMetadata(names, known)) {
    if (wrong === 'unknown' && driver.openMetadata) continue;
    const item = spec.metadata.find(({ name }) => name === field);
    const place = item ? entryName(spec, item).split('metadata field')[0]! : '';
    const problem = invalid(spec, `${place}${message}`);
    if (wrong === 'unknown' && unknownMetadata === 'warn') logger.warn({}, problem.message);
    else problems.push(problem);
  }
  return problems;
}

function leaveOut(spec: ComponentSpec, error: unknown, logger: ComponentLogger): void {
  const { name, type, version } = spec;
  const reason = error instanceof Error ? error.message : String(error);
  logger.warn({ name, type, version, reason }, 'component left out');
}

/** Secret stores first, each behind the one it reads its own secrets from; a circle keeps its order and fails by name. */
function inOrder(planned: readonly Planned[]): Planned[] {
  const stores = planned.filter(({ resolved }) => resolved.kind === 'secretstores');
  const ordered: Planned[] = [];
  while (stores.length > 0) {
    const waits = ({ spec }: Planned): boolean =>
      stores.some((other) => other.spec !== spec && other.spec.name === spec.secretStore);
    const free = stores.findIndex((store) => !waits(store));
    ordered.push(...stores.splice(Math.max(free, 0), 1));
  }
  return [...ordered, ...planned.filter(({ resolved }) => resolved.kind !== 'secretstores')];
}
