/** Why a sidecar could not start, in daprd's words, for whoever waits for them in its log. */
import type { ComponentSpec } from '../config/component.ts';
import type { Problem } from '../config/reader.ts';
import { ComponentError, isTroupeError, TroupeError } from '../core/errors.ts';
import type { SidecarLog } from './sidecar-log.ts';

/** First parts of component types that daprd knows. */
const KINDS = new Set([
  'bindings',
  'configuration',
  'conversation',
  'crypto',
  'lock',
  'middleware',
  'nameresolution',
  'pubsub',
  'secretstores',
  'state',
]);

type Named = Pick<ComponentSpec, 'name' | 'type' | 'version'>;

/** `store (state.redis/v1)` */
export const componentLabel = ({ name, type, version }: Named): string =>
  `${name} (${type}/${version})`;

/** Why a component could not be opened. */
export function initFailure(spec: Named, error: unknown): string {
  const isKnown = KINDS.has(spec.type.split('.')[0]!.toLowerCase());
  if (!isKnown) return `incorrect type ${spec.type}`;
  const why = error instanceof Error ? error.message : String(error);
  return `[INIT_COMPONENT_FAILURE]: initialization error occurred for ${componentLabel(spec)}: ${why}`;
}

/** The error to end with; a component that failed is logged by its name first. */
export function startFailure(
  error: unknown,
  components: readonly ComponentSpec[],
  log: SidecarLog,
): unknown {
  if (!(error instanceof ComponentError)) return error;
  const { component: name, componentType: type } = error;
  const { version } = components.find((spec) => spec.name === name) ?? { version: 'v1' };
  const why = initFailure({ name, type, version }, error);
  log.error({}, `Failed to init component ${componentLabel({ name, type, version })}: ${why}`);
  return new TroupeError('COMPONENT', `process component ${name} error: ${why}`, { cause: error });
}

/** Why resources cannot be read, where daprd ends with them. Undefined: it has no words for it. */
export function resourcesFailure(error: unknown): string | undefined {
  if (!isTroupeError(error)) return undefined;
  const { problems } = (error.details ?? {}) as { problems?: readonly Problem[] };
  if (!Array.isArray(problems)) return undefined;
  const words = (problems as readonly Problem[]).map(({ daprd }) => daprd);
  if (words.length === 0 || words.includes(undefined)) return undefined;
  return words.join('\n');
}
