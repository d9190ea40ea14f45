/**
 * Where a run keeps its state: chooses the components by the flags, puts the
 * file of this run in place of the one that dapr/components names, and starts
 * afresh when asked.
 */
import { mkdir, open, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { component, parseResources, readResources } from 'troupe';
import type { ComponentSpec } from 'troupe';
import { TroupeError } from 'troupe/actor';

export interface Places {
  readonly components: readonly ComponentSpec[];
  /** For people: `sqlite:/path/of/file`, or the type and name of the component. */
  readonly state: string;
  /** The SQLite file, if the state is in one. */
  readonly file?: string;
  /** What of the resources was not used, and why. */
  readonly notes: readonly string[];
  /** The broker is in this process: what the outbox has let go of, subscribers have. */
  readonly hasOwnBroker?: boolean;
}

export interface PlaceOptions {
  readonly appId: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Folders of YAML. Default: dapr/components of this package, with the state in the user's state folder. */
  readonly resourcesPaths?: readonly string[] | undefined;
  /** `sqlite:FILE`, in place of the component that keeps actors. */
  readonly state?: string | undefined;
}

const RESOURCES = fileURLToPath(new URL('../../dapr/components', import.meta.url));

/** The file of a run that names none: under XDG_STATE_HOME, else ~/.local/state. */
export function defaultStateFile(env: PlaceOptions['env']): string {
  const home = env['XDG_STATE_HOME'];
  const root = home && home.startsWith('/') ? home : join(homedir(), '.local', 'state');
  return join(root, 'troupe', 'order-day.db');
}

/** Throws NOT_FOUND or INVALID_ARGUMENT with file, line and field for what is wrong in the YAML. */
export async function findPlaces(options: PlaceOptions): Promise<Places> {
  const { appId, env, resourcesPaths, state } = options;
  const paths = resourcesPaths ?? [RESOURCES];
  const files = (await Promise.all(paths.map((path) => readResources(path)))).flat();
  const parsed = parseResources(files, { appId });
  const file =
    state?.slice('sqlite:'.length) ?? (resourcesPaths ? undefined : defaultStateFile(env));
  const components = file ? withStateIn(resolve(file), parsed.components) : parsed.components;
  if (!components.some(({ name, type }) => name === 'pubsub' && type.startsWith('pubsub.'))) {
    const where = paths.join(', ');
    throw new TroupeError(
      'INVALID_ARGUMENT',
      `${where} has no pub/sub component named "pubsub", which the topics of the shop go to; add one`,
    );
  }
  const notes = [
    ...parsed.warnings.map((warning) => `${warning.file}:${warning.line}: ${warning.message}`),
    ...parsed.leftOut.map(({ name, reason }) => `component ${name} is left out: ${reason}`),
  ];
  const hasOwnBroker = components.some(
    ({ name, type }) => name === 'pubsub' && type === 'pubsub.in-memory',
  );
  return { components, notes, hasOwnBroker, ...stateOf(components) };
}

const isActorStore = ({ metadata }: ComponentSpec): boolean =>
  metadata.some(
    (item) =>
      item.name.toLowerCase() === 'actorstatestore' &&
      'value' in item &&
      item.value.trim().toLowerCase() === 'true',
  );

function withStateIn(file: string, components: readonly ComponentSpec[]): ComponentSpec[] {
  const store = (name: string): ComponentSpec =>
    component(name, 'state.sqlite', { connectionString: file, actorStateStore: 'true' });
  if (!components.some(isActorStore)) return [store('statestore'), ...components];
  return components.map((spec) => (isActorStore(spec) ? store(spec.name) : spec));
}

function stateOf(components: readonly ComponentSpec[]): Pick<Places, 'state' | 'file'> {
  const store = components.find(isActorStore);
  if (!store) return { state: 'no component' };
  const place = store.metadata.find(({ name }) => /^(connectionstring|url)$/i.test(name));
  if (store.type !== 'state.sqlite' || !place || !('value' in place)) {
    return { state: `${store.type} (component ${store.name})` };
  }
  const path = place.value.replace(/\?.*$/s, '').replace(/^file:(\/\/)?/i, '');
  if (path === ':memory:' || /[?&]mode=memory/.test(place.value)) {
    return { state: `${store.type} in memory` };
  }
  const file = resolve(path);
  return { state: `sqlite:${file}`, file };
}

/** Makes the folder of the file; with `fresh` removes what an earlier run left. Throws INVALID_ARGUMENT for a file that is no database. */
export async function prepareState({ file, state }: Places, fresh: boolean): Promise<void> {
  if (file === undefined) {
    if (!fresh || state.endsWith('in memory') || state.startsWith('state.in-memory')) return;
    throw new TroupeError(
      'UNSUPPORTED',
      `--fresh deletes a SQLite file, and the state is in ${state}: empty it with its own tools, or name another place with --state`,
    );
  }
  await mkdir(dirname(file), { recursive: true });
  if (!fresh) return;
  if (!(await isDatabase(file))) {
    throw new TroupeError(
      'INVALID_ARGUMENT',
      `--fresh would delete ${file}, which is not a SQLite database; check the path`,
    );
  }
  for (const ending of ['', '-wal', '-shm', '-journal']) await rm(file + ending, { force: true });
}

/** True as well for a file that is not there or empty. */
async function isDatabase(file: string): Promise<boolean> {
  try {
    await using handle = await open(file);
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(16), 0, 16, 0);
    return bytesRead === 0 || buffer.toString('latin1') === 'SQLite format 3\0';
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return true;
    throw error;
  }
}
