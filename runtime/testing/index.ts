/**
 * The test kit, `troupe/test`: a whole host in the test's process under a
 * virtual clock, which can be crashed, restarted and made to forget.
 */
import type { Registry } from '../../components/registry.ts';
import type { ActorClass } from '../actor/actor.ts';
import type { ActorRef } from '../actor/ref.ts';
import type { EngineLogger } from '../core/ports.ts';
import { createRef } from '../core/ref.ts';
import { openEmbedded, type EmbeddedHost } from '../hosts/embedded.ts';
import type { System, SystemOptions } from '../hosts/system.ts';
import { createSurvivingRegistry } from './surviving-registry.ts';
import { createVirtualClock, type VirtualClock } from './virtual-clock.ts';

export type { VirtualClock } from './virtual-clock.ts';

export interface TestHostOptions extends Pick<
  SystemOptions,
  | 'appId'
  | 'services'
  | 'components'
  | 'interceptors'
  | 'defaultTimeout'
  | 'env'
  | 'http'
  | 'appPort'
  | 'tasks'
> {
  readonly actors: readonly ActorClass[];
  /** Virtual time at the beginning. Default 2026-01-01T00:00:00Z. */
  readonly start?: Date;
  /** Default: only errors and warnings are kept, in `logs`. */
  readonly logger?: EngineLogger;
  /** False switches off the dropping of repeated durable sends, to show that a test would notice. */
  readonly dedupe?: boolean;
}

export interface LogLine {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly fields: object;
  readonly message: string;
}

export interface TestHost extends AsyncDisposable {
  readonly clock: VirtualClock;
  readonly system: System;
  /** Everything logged, unless a logger was given. */
  readonly logs: readonly LogLine[];
  ref<T extends object>(type: string, id: string): ActorRef<T>;
  ref<A extends object>(
    actorClass: { readonly type: string; new (...args: never[]): A },
    id: string,
  ): ActorRef<A>;
  /** Resolves when nothing runs that could go on without the clock. */
  settled(): Promise<void>;
  /** Ends the host as SIGKILL would: no hook runs, nothing more is written. State in stores stays. */
  crash(): Promise<void>;
  /** Starts the host again over the same stores and clock; crashes it first if it runs. */
  restart(): Promise<void>;
  /** Passivates an idle actor now; its next call loads it from the store. */
  hibernate(type: string, id: string): Promise<void>;
  close(): Promise<void>;
}

const START = Date.UTC(2026, 0, 1);
/** How long, in real time and then at once in virtual time, turns may take to end when the host closes. */
const CLOSE_PATIENCE_MS = 1000;
/** Rounds of the event loop without a sign of work after which a host counts as at rest. */
const QUIET_ROUNDS = 3;
/** The same while turns sleep, or an event waits to be handled again: who waits for them looks busy. */
const QUIET_ROUNDS_SLEEPING = 20;

/** For tests of Troupe itself. */
export interface TestHostInternals {
  /** Changes what components the host gets. */
  readonly wrap?: (registry: Registry) => Registry;
}

export async function createTestHost(
  options: TestHostOptions,
  { wrap = (registry) => registry }: TestHostInternals = {},
): Promise<TestHost> {
  const { start, dedupe = true, logger, ...rest } = options;
  const logs: LogLine[] = [];
  const keep =
    (level: LogLine['level']) =>
    (fields: object, message: string): void =>
      void logs.push({ level, fields, message });
  const log = logger ?? {
    debug: () => {},
    info: () => {},
    warn: keep('warn'),
    error: keep('error'),
  };
  const surviving = createSurvivingRegistry();
  let host: EmbeddedHost | undefined;

  async function settled(): Promise<void> {
    let quiet = 0;
    let activity = -1;
    for (;;) {
      await new Promise((resolve) => setImmediate(resolve));
      if (!host) return;
      const { counters } = host.engine.parts;
      const changed = counters.activity !== activity;
      activity = counters.activity;
      const isWaiting = counters.sleeping + counters.publishing + counters.offloaded > 0;
      const isStill = !changed && (!host.engine.busy || isWaiting);
      quiet = isStill ? quiet + 1 : 0;
      if (quiet >= (host.engine.busy ? QUIET_ROUNDS_SLEEPING : QUIET_ROUNDS)) return;
    }
  }

  const { clock, handle, expire } = createVirtualClock(start?.getTime() ?? START, settled);

  const open = async (): Promise<void> => {
    host = await openEmbedded(
      { ...rest, clock, logger: log },
      { registry: wrap(surviving.registry), dedupe },
    );
  };

  function running(): EmbeddedHost {
    if (!host) throw new Error('the host has crashed; call restart() first');
    return host;
  }

  const crash = async (): Promise<void> => {
    if (!host) return;
    const { engine, surface } = host;
    host = undefined;
    engine.abandon();
    await surviving.cutOff();
    await surface.close();
  };

  const close = async (): Promise<void> => {
    const last = host;
    host = undefined;
    // Turns that never end, or sleep, would keep a clock that stands still from closing.
    const late = setTimeout(() => expire(CLOSE_PATIENCE_MS), CLOSE_PATIENCE_MS);
    await last?.system.close();
    clearTimeout(late);
    await surviving.close();
  };

  await open();
  return {
    clock: handle,
    logs,
    get system() {
      return running().system;
    },
    ref: ((typeOrClass: string | { readonly type: string }, id: string) => {
      const type = typeof typeOrClass === 'string' ? typeOrClass : typeOrClass.type;
      // Asked anew at each call, so that a ref outlives a restart.
      return createRef<object>((method, argument, callOptions) => {
        const ref: object = running().system.ref(type, id);
        return (ref as Record<string, (...args: unknown[]) => unknown>)[method]!(
          argument,
          callOptions,
        );
      });
    }) as TestHost['ref'],
    settled,
    crash,
    async restart() {
      await crash();
      await open();
    },
    hibernate: (type, id) => running().engine.passivate({ type, id }),
    close,
    [Symbol.asyncDispose]: close,
  };
}
