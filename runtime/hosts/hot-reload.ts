/**
 * Keeps a running host in step with its resource files. Components,
 * subscriptions and policies change in place; what the host can only read at its
 * start makes it start again. A file that cannot be read is reported, and what it
 * said before stays. A component that cannot be opened takes the place of the one
 * before it, as in daprd: with `ignoreErrors` it is missing, else the host ends.
 */
import { watch, type FSWatcher } from 'node:fs';
import type { ComponentSpec } from '../config/component.ts';
import { formatProblem } from '../config/problem.ts';
import type { ParsedResources } from '../config/resources.ts';
import { TroupeError } from '../core/errors.ts';
import type { Clock, ClockTimer, EngineLogger } from '../core/ports.ts';
import type { LoadedComponents } from './loaded-components.ts';
import { componentLabel, initFailure, resourcesFailure } from './sidecar-failure.ts';

/** Files are often written in several steps; this is how long they are left alone. */
const SETTLE_MS = 100;
const DEFAULT_INTERVAL_MS = 60_000;

export type WatchedResources = Pick<
  ParsedResources,
  'components' | 'subscriptions' | 'resiliencies' | 'httpEndpoints' | 'configurations' | 'problems'
>;

export interface HotReloadOptions {
  /** Folders to watch. */
  readonly paths: readonly string[];
  /** Reads all of them anew. */
  readonly read: () => Promise<WatchedResources>;
  /** What the host was started with. */
  readonly initial: WatchedResources;
  readonly components: Pick<LoadedComponents, 'replace' | 'remove' | 'actorStore'>;
  /** Puts other declared subscriptions in place. */
  readonly declare: (specs: WatchedResources['subscriptions']) => Promise<void>;
  /** Starts the host again, for changes that cannot be made in place. */
  readonly restart: (why: string) => void;
  /** Ends the host, for resources that it cannot go on with. */
  readonly fail: (why: Error) => void;
  /** How often everything is read even when nothing was noticed. Default 60000; 0 or less: the default. */
  readonly intervalMs?: number | undefined;
  readonly clock: Clock;
  readonly logger: EngineLogger;
}

export interface HotReload extends AsyncDisposable {
  /** Reads now, and resolves when everything that changed is in place. */
  reconcile(): Promise<void>;
  /** Ends watching; a change that is being made is finished. Idempotent. */
  close(): Promise<void>;
}

export function startHotReload(options: HotReloadOptions): HotReload {
  const { paths, read, clock, logger } = options;
  const intervalMs = (options.intervalMs ?? 0) > 0 ? options.intervalMs! : DEFAULT_INTERVAL_MS;
  let known = options.initial;
  let last: Promise<void> = Promise.resolve();
  let settle: ClockTimer | undefined;
  let next: ClockTimer | undefined;
  let closed = false;

  async function look(): Promise<void> {
    if (closed) return;
    let found: WatchedResources;
    try {
      found = await read();
    } catch (error) {
      const fatal = resourcesFailure(error);
      if (fatal !== undefined) {
        const text = `failed to load resources from disk: ${fatal}`;
        options.fail(new TroupeError('INVALID_ARGUMENT', text, { cause: error }));
        return;
      }
      logger.error(
        {},
        `resources were changed and cannot be read, nothing is reloaded: ${textOf(error)}`,
      );
      return;
    }
    for (const problem of found.problems)
      logger.error({}, `not reloaded: ${formatProblem(problem)}`);
    known = await apply(options, known, keepBroken(known, found));
  }

  function reconcile(): Promise<void> {
    last = last.then(look);
    return last;
  }

  function noticed(): void {
    settle?.cancel();
    if (closed) return;
    settle = clock.timer(clock.now() + SETTLE_MS, () => void reconcile(), { background: true });
  }

  function again(): void {
    next = clock.timer(
      clock.now() + intervalMs,
      () => {
        void reconcile();
        again();
      },
      { background: true },
    );
  }

  const watchers = paths.flatMap((path): FSWatcher[] => {
    try {
      const watcher = watch(path, { persistent: false }, noticed);
      watcher.on('error', (error) =>
        logger.warn({}, `${path} is not watched any more: ${textOf(error)}`),
      );
      return [watcher];
    } catch (error) {
      logger.warn(
        {},
        `${path} cannot be watched, it is read every ${intervalMs} ms: ${textOf(error)}`,
      );
      return [];
    }
  });
  again();

  const close = async (): Promise<void> => {
    closed = true;
    settle?.cancel();
    next?.cancel();
    for (const watcher of watchers) watcher.close();
    await last;
  };
  return { reconcile, close, [Symbol.asyncDispose]: close };
}

type Sourced = { readonly name: string; readonly source?: { readonly file: string } };

/** What a broken file said before counts on, unless it says it again. */
function keepBroken(before: WatchedResources, now: WatchedResources): WatchedResources {
  if (now.problems.length === 0) return now;
  const broken = new Set(now.problems.map(({ file }) => file));
  const merged = <T extends Sourced>(old: readonly T[], fresh: readonly T[]): readonly T[] => {
    const names = new Set(fresh.map(({ name }) => name));
    const kept = old.filter(
      ({ name, source }) => broken.has(source?.file ?? '') && !names.has(name),
    );
    return [...fresh, ...kept];
  };
  return {
    ...now,
    components: merged(before.components, now.components),
    subscriptions: merged(before.subscriptions, now.subscriptions),
    resiliencies: merged(before.resiliencies, now.resiliencies),
    httpEndpoints: merged(before.httpEndpoints, now.httpEndpoints),
    configurations: now.configurations.length === 0 ? before.configurations : now.configurations,
  };
}

/** Lines move when a file is edited, and mean nothing. */
const textFor = (value: unknown): string =>
  JSON.stringify(value, (key, one: unknown) =>
    key === 'source' || key === 'line' ? undefined : one,
  );

const differ = (a: unknown, b: unknown): boolean => textFor(a) !== textFor(b);

/** What the host has afterwards, a component that could not be opened included. */
async function apply(
  options: HotReloadOptions,
  before: WatchedResources,
  now: WatchedResources,
): Promise<WatchedResources> {
  const { declare, restart, logger } = options;
  for (const [kind, was, is] of [
    ['Configuration', before.configurations, now.configurations],
    ['HTTPEndpoint', before.httpEndpoints, now.httpEndpoints],
    ['Resiliency', before.resiliencies, now.resiliencies],
  ] as const) {
    if (!differ(was, is)) continue;
    const names = changedNames(was, is).join(', ');
    logger.info({}, `Received ${kind} event: ${names} - triggering SIGHUP reload`);
    restart(`${kind} ${names} changed`);
    return now;
  }
  const wanted = withActorStoreAsItWas(options, before.components, now.components);
  const components = await applyComponents(options, before.components, wanted);
  if (differ(before.subscriptions, now.subscriptions)) {
    await declare(now.subscriptions);
    logger.info(
      {},
      `Subscriptions updated: ${changedNames(before.subscriptions, now.subscriptions).join(', ')}`,
    );
  }
  return { ...now, components };
}

function changedNames(
  was: readonly { readonly name: string }[],
  is: readonly { readonly name: string }[],
): string[] {
  const names = new Set([...was, ...is].map(({ name }) => name));
  const of = (list: readonly { readonly name: string }[], name: string) =>
    list.filter((one) => one.name === name);
  return [...names].filter((name) => differ(of(was, name), of(is, name)));
}

const isForActors = ({ type, metadata }: ComponentSpec): boolean =>
  type.startsWith('state.') &&
  metadata.some(({ name }) => name.toLowerCase() === 'actorstatestore');

/** Turns that run hold on to the store, so it changes only when the host starts, as in daprd. */
function withActorStoreAsItWas(
  { components, logger }: HotReloadOptions,
  before: readonly ComponentSpec[],
  now: readonly ComponentSpec[],
): readonly ComponentSpec[] {
  let wanted = now;
  for (const name of changedNames(before, now)) {
    const [old, fresh] = [before, now].map((specs) => specs.find((one) => one.name === name));
    const isKept =
      name === components.actorStore?.name || [fresh, old].some((one) => one && isForActors(one));
    if (!isKept) continue;
    logger.error(
      {},
      `Aborting to hot-reload a state store component that is used as an actor state store: ${componentLabel((fresh ?? old)!)}`,
    );
    wanted = [...wanted.filter((one) => one.name !== name), ...(old ? [old] : [])];
  }
  return wanted;
}

async function applyComponents(
  { components, fail, logger }: HotReloadOptions,
  before: readonly ComponentSpec[],
  now: readonly ComponentSpec[],
): Promise<ComponentSpec[]> {
  const held: ComponentSpec[] = [];
  for (const old of before) {
    if (now.some(({ name }) => name === old.name)) continue;
    logger.info({}, `Closing existing Component: ${componentLabel(old)}`);
    await components.remove(old.name).catch((error: unknown) => {
      logger.error({}, `error closing deleted component: ${textOf(error)}`);
    });
  }
  // Secret stores first: the metadata of others may refer to them.
  const ordered = [...now].toSorted((a, b) => Number(isSecretStore(b)) - Number(isSecretStore(a)));
  for (const spec of ordered) {
    const old = before.find(({ name }) => name === spec.name);
    if (old && !differ(old, spec)) {
      held.push(spec);
      continue;
    }
    logger.info({}, `Adding Component for processing: ${componentLabel(spec)}`);
    held.push(spec);
    try {
      await components.replace(spec);
      logger.info({}, `Component updated: ${componentLabel(spec)}`);
    } catch (error) {
      const why = initFailure(spec, error);
      logger.error({}, `Failed to init component ${componentLabel(spec)}: ${why}`);
      if (old) await components.remove(spec.name);
      const text = `process component ${spec.name} error: ${why}`;
      if (spec.ignoreErrors) {
        logger.error({}, `Ignoring error processing component: ${text}`);
        continue;
      }
      logger.warn({}, `Error processing component, daprd will exit gracefully: ${text}`);
      fail(new TroupeError('COMPONENT', text, { cause: error }));
    }
  }
  return held;
}

const isSecretStore = ({ type }: ComponentSpec): boolean => type.startsWith('secretstores.');

const textOf = (error: unknown): string =>
  error instanceof Error ? error.message : 'something that is no error was thrown';
