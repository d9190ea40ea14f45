/** Waiting for a daprd that may start before or after this process, and what it says of itself. */
import { TroupeError } from '../core/errors.ts';
import type { Clock, EngineLogger } from '../core/ports.ts';
import { askDaprd, textOf, type DaprdHttp } from '../stores/daprd.ts';

const POLL_MS = 50;

export interface DaprdFacts {
  readonly hasTtl: boolean;
  readonly pubsubs: ReadonlySet<string>;
}

interface Metadata {
  readonly id?: string;
  readonly enabledFeatures?: readonly string[];
  readonly components?: readonly { readonly name: string; readonly type: string }[];
  readonly actorRuntime?: {
    readonly runtimeStatus?: string;
    readonly hostReady?: boolean;
    readonly placement?: string;
  };
}

export interface WaitOptions {
  readonly http: DaprdHttp;
  readonly clock: Clock;
  readonly logger: EngineLogger;
  readonly timeoutMs: number;
  /** For the message. */
  readonly where: string;
  /** Actor types are to be hosted: wait until placement has them. */
  readonly hosts: boolean;
}

async function look(http: DaprdHttp): Promise<Metadata | string> {
  try {
    const answer = await askDaprd(http, { method: 'GET', path: '/v1.0/metadata' });
    if (answer.status === 200) return JSON.parse(textOf(answer)) as Metadata;
    return `it answers ${answer.status}: ${textOf(answer)}`;
  } catch (error) {
    return (error as Error).message;
  }
}

function problemOf({ actorRuntime = {} }: Metadata, hosts: boolean): string | undefined {
  const { runtimeStatus, hostReady, placement } = actorRuntime;
  if (!hosts || hostReady) return undefined;
  return `it does not host the actors yet (actor runtime ${runtimeStatus}, ${placement}); it needs --placement-host-address, a state component with actorStateStore "true", and --app-port set to dapr.appPort unless that is absent`;
}

/** Resolves when daprd hosts the actors. Errors: UNAVAILABLE with what is still missing. */
export async function waitForDaprd(options: WaitOptions): Promise<DaprdFacts> {
  const { http, clock, logger, timeoutMs, where, hosts } = options;
  const end = clock.now() + timeoutMs;
  for (let told = false; ; told = true) {
    const found = await look(http);
    const problem = typeof found === 'string' ? found : problemOf(found, hosts);
    if (typeof found !== 'string' && problem === undefined) return factsOf(found);
    if (!told) logger.info({ daprd: where }, 'waiting for daprd');
    if (clock.now() >= end) {
      throw new TroupeError(
        'UNAVAILABLE',
        `daprd at ${where} was not ready within ${timeoutMs} ms: ${problem}`,
      );
    }
    await new Promise<void>((resolve) => {
      clock.timer(clock.now() + POLL_MS, resolve);
    });
  }
}

function factsOf({ enabledFeatures = [], components = [] }: Metadata): DaprdFacts {
  const brokers = components.filter(({ type }) => type.startsWith('pubsub.'));
  return {
    hasTtl: enabledFeatures.includes('ActorStateTTL'),
    pubsubs: new Set(brokers.map(({ name }) => name)),
  };
}
