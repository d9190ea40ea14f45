/**
 * Opens components one after another into a growing set, and closes the set.
 * An instance that arrives after its time was up is closed as soon as it is there.
 */
import { randomUUID } from 'node:crypto';
import type { Component, ComponentOptions, Driver } from '../../components/component.ts';
import type { KindName } from '../../components/registry.ts';
import type { StateStore } from '../../components/state/contract.ts';
import type { ComponentSpec } from '../config/component.ts';
import { ComponentError, isTroupeError } from '../core/errors.ts';
import type { Telemetry } from '../core/telemetry.ts';
import { guard } from './component-guard.ts';
import { invalid, resolveMetadata } from './component-metadata.ts';
import type { LoadedStateStore, LoadOptions, Planned } from './loaded-components.ts';
import { createTables, enter, lackingForActors, type ComponentTables } from './component-tables.ts';

interface Opened {
  readonly spec: ComponentSpec;
  readonly kind: KindName;
  readonly instance: Component;
  readonly idle: () => Promise<void>;
  /** Takes it out of the tables. */
  leave: () => void;
}

/** How long calls on an instance that was replaced may go on before it is closed under them. */
const RETIRE_MS = 30_000;

export interface Loading {
  readonly tables: ComponentTables;
  actorStore(): LoadedStateStore | undefined;
  /** What the open components have going with their servers at this moment. */
  gauge(telemetry: Telemetry, namespace: string): void;
  /** Undefined when no component of the name is open. */
  kindOf(name: string): KindName | undefined;
  /** Rejects with a ComponentError; with `ignoreErrors` the failure is logged, nothing is opened, and it resolves to false. */
  open(planned: Planned): Promise<boolean>;
  /**
   * Takes a component away; it is closed when `gone` is done, which ends what others
   * have going on it, and so are the calls that run on it. Resolves then.
   */
  retire(name: string, gone?: () => Promise<void>): Promise<void>;
  /** Closes in reverse order of opening, all of them also when one fails. Idempotent. */
  close(): Promise<void>;
}

const realTimer: ComponentOptions['timer'] = (delayMs, fire) => {
  const timer = setTimeout(fire, delayMs).unref();
  return { cancel: () => clearTimeout(timer) };
};

type Values = Readonly<Record<string, string>>;

export function createLoading(options: LoadOptions): Loading {
  const { appId, env, logger, now, timer = realTimer } = options;
  const tables = createTables();
  const { secretStores } = tables;
  const opened: Opened[] = [];
  let actorStore: LoadedStateStore | undefined;
  let closed: Promise<void> | undefined;

  async function within<T>(
    spec: ComponentSpec,
    work: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const expiry = new AbortController();
    const late = new ComponentError(
      spec,
      `was not open after ${spec.initTimeoutMs} ms; see that its backend answers, or raise spec.initTimeout`,
      { code: 'UNAVAILABLE' },
    );
    const signal = options.signal
      ? AbortSignal.any([options.signal, expiry.signal])
      : expiry.signal;
    // Opening waits for the outside, so its limit is real time also under a virtual clock.
    const limit = setTimeout(() => expiry.abort(late), spec.initTimeoutMs);
    const { promise: given, reject } = Promise.withResolvers<never>();
    const giveUp = (): void => reject(signal.reason as Error);
    signal.addEventListener('abort', giveUp, { once: true });
    if (signal.aborted) giveUp();
    try {
      return await Promise.race([work(signal), given]);
    } catch (error) {
      throw expiry.signal.aborted ? late : error;
    } finally {
      clearTimeout(limit);
      signal.removeEventListener('abort', giveUp);
    }
  }

  /** An instance that nobody waits for any more is closed here. */
  async function create<C extends Component>(
    spec: ComponentSpec,
    driver: Driver<C>,
    metadata: Values,
    signal: AbortSignal,
  ): Promise<C> {
    const { name, type, version } = spec;
    const given: ComponentOptions = { name, type, version, metadata, appId, logger, now, timer };
    const instance = await driver.create(given, { signal });
    if (!signal.aborted) return instance;
    await instance.close();
    throw signal.reason;
  }

  async function instantiate({ spec, resolved }: Planned): Promise<void> {
    const { kind, driver } = resolved;
    const values = await within(spec, (signal) =>
      resolveMetadata(spec, { appId, env, secretStores, uuid: randomUUID }, signal),
    );
    const forActors = kind === 'state' && isTruthy(valueOf(values, 'actorStateStore'));
    if (forActors && actorStore) {
      throw invalid(
        spec,
        `is marked actorStateStore, and so is component "${actorStore.name}"; actors live in one store, keep the mark on one`,
      );
    }
    const own = ownedBy(driver, values);
    const instance = await within(spec, (signal) =>
      create(spec, driver as Driver<Component>, own, signal),
    );
    const { component, idle } = guard(
      kind,
      spec.name,
      instance,
      options.resiliency,
      options.measuring,
    );
    const one: Opened = { spec, kind, instance, idle, leave: () => {} };
    opened.push(one);
    if (forActors) {
      refuseUnfit(spec, instance as StateStore);
      // Turns have rules of their own for failures, so they use the store itself.
      const store = instance as StateStore;
      actorStore = { name: spec.name, store, keyPrefix: '' };
    }
    const value = (field: string): string => valueOf(values, field);
    one.leave = enter(tables, { spec, kind, component, value }, options);
  }

  async function closeAll(): Promise<void> {
    const failures: unknown[] = [];
    for (const { spec, instance } of opened.toReversed()) {
      try {
        await instance.close();
      } catch (error) {
        failures.push(error);
        logger.error({ name: spec.name, type: spec.type, err: error }, 'component failed to close');
      }
    }
    if (failures.length > 0) throw new AggregateError(failures, 'not every component closed well');
  }

  return {
    tables,
    actorStore: () => actorStore,
    gauge(telemetry, namespace) {
      for (const { spec, instance } of opened) {
        const usage = instance.usage?.();
        if (!usage) continue;
        const labels = { component: spec.name, namespace };
        telemetry.set('component_connections', labels, usage.connections);
        telemetry.set('component_in_flight', labels, usage.inFlight);
      }
    },
    kindOf: (name) => opened.find(({ spec }) => spec.name === name)?.kind,
    close: () => (closed ??= closeAll()),
    async open(planned) {
      const { spec } = planned;
      const { name, type, version } = spec;
      const before = opened.length;
      try {
        await instantiate(planned);
        options.measuring?.telemetry.count('runtime_component_init_total', { component: type });
        logger.info({ name, type, version }, 'component loaded');
        options.measuring?.telemetry.set('runtime_component_loaded', {}, opened.length);
        return true;
      } catch (error) {
        const named = nameError(spec, error);
        const labels = { component: type, componentName: name, reason: 'init' };
        options.measuring?.telemetry.count('runtime_component_init_fail_total', labels);
        if (!spec.ignoreErrors || options.signal?.aborted) throw named;
        for (const one of opened.splice(before)) {
          one.leave();
          await one.instance.close();
        }
        logger.warn({ name, type, version, reason: named.message }, 'component left out');
        return false;
      }
    },
    async retire(name, gone) {
      const at = opened.findIndex(({ spec }) => spec.name === name);
      if (at < 0) return;
      const [one] = opened.splice(at, 1);
      one!.leave();
      options.measuring?.telemetry.set('runtime_component_loaded', {}, opened.length);
      await gone?.();
      const limit = Promise.withResolvers<void>();
      const wake = timer(RETIRE_MS, limit.resolve);
      await Promise.race([one!.idle(), limit.promise]);
      wake.cancel();
      await one!.instance.close();
      logger.info({ name, type: one!.spec.type }, 'component closed');
    },
  };
}

/** Every error of opening names its component. */
function nameError(spec: ComponentSpec, error: unknown): Error {
  if (isTroupeError(error)) return error;
  const reason = error instanceof Error ? error.message : String(error);
  return new ComponentError(spec, `failed to open: ${reason}`, { cause: error });
}

function valueOf(values: Values, field: string): string {
  const name = Object.keys(values).find((key) => key.toLowerCase() === field.toLowerCase());
  return name === undefined ? '' : values[name]!;
}

/** What Dapr takes for true. */
const isTruthy = (text: string): boolean =>
  ['y', 'yes', 'true', 't', 'on', '1'].includes(text.trim().toLowerCase());

/** The values of the driver's own fields; the runtime's stay with the runtime. */
function ownedBy(driver: Driver<Component>, values: Values): Values {
  if (driver.openMetadata) return values;
  const names = new Set(
    driver.fields.flatMap(({ name, aliases = [] }) =>
      [name, ...aliases].map((text) => text.toLowerCase()),
    ),
  );
  return Object.fromEntries(
    Object.entries(values).filter(([name]) => names.has(name.toLowerCase())),
  );
}

function refuseUnfit(spec: ComponentSpec, store: StateStore): void {
  const lacking = lackingForActors(store);
  if (lacking.length === 0) return;
  throw new ComponentError(
    spec,
    `cannot keep actors: it lacks ${lacking.join(', ')}. Mark another state store with actorStateStore (state.sqlite and state.in-memory can), or remove the mark from this one`,
    { code: 'UNSUPPORTED' },
  );
}
