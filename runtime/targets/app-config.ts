/** An app's answer to GET /dapr/config: which actor types it hosts, and how they are to be kept. */
import { goText } from '../core/go-text.ts';
import { parseDuration } from '../core/schedule.ts';
import type { AppActorType } from './app-actors.ts';

export interface AppConfig {
  readonly actors: readonly AppActorType[];
  /** Values that could not be used, by name, and what is done instead. */
  readonly warnings: readonly string[];
}

const IDLE_MS = 3_600_000;
const DEPTH = 32;
const DRAIN_MS = 2000;
/** Of a round, what draining may take; the rest is for what else happens in it. */
const DRAIN_SHARE = 0.8;

type Values = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is Values =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const textsOf = (value: unknown): readonly string[] =>
  Array.isArray(value) ? value.filter((one): one is string => typeof one === 'string') : [];

function duration(text: string): number | undefined {
  try {
    return parseDuration(text);
  } catch {
    return undefined;
  }
}

/**
 * Throws an Error for a body that is no configuration. `roundMs` is what a round
 * of the placement may take: draining must end within it.
 */
export function readAppConfig(body: unknown, roundMs = Number.POSITIVE_INFINITY): AppConfig {
  if (!isObject(body)) throw new Error('the app configuration is not a JSON object');
  const warnings: string[] = [];

  function idleOf(from: Values, where: string, fallback: number): number {
    const text = from['actorIdleTimeout'];
    if (text === undefined || text === '') return fallback;
    const ms = typeof text === 'string' ? duration(text) : undefined;
    if (ms !== undefined && ms > 0) return ms;
    warnings.push(
      `Invalid actor idle timeout value ${JSON.stringify(text)}${where}, using default value 1h0m0s`,
    );
    return IDLE_MS;
  }

  function drainOf(from: Values, where: string, whose: string, fallback: number): number {
    const text = from['drainOngoingCallTimeout'];
    if (text === undefined || text === '') return fallback;
    const ms = typeof text === 'string' ? duration(text) : undefined;
    if (ms === undefined) {
      warnings.push(
        `Invalid drain ongoing call timeout value ${JSON.stringify(text)}${where}, using default value 2s`,
      );
      return DRAIN_MS;
    }
    if (ms < roundMs) return ms;
    const clamped = Math.max(roundMs * DRAIN_SHARE, DRAIN_MS);
    warnings.push(
      `drainOngoingCallTimeout (${goText(ms)}) for ${whose} meets or exceeds the dissemination timeout (${goText(roundMs)}); clamping to ${goText(clamped)} to avoid blocking placement dissemination`,
    );
    return clamped;
  }

  function depthOf(from: Values, where: string): number {
    const { reentrancy } = from;
    if (!isObject(reentrancy) || reentrancy['enabled'] !== true) return 0;
    const depth = reentrancy['maxStackDepth'] ?? DEPTH;
    if (Number.isInteger(depth) && (depth as number) > 0) return depth as number;
    warnings.push(
      `Invalid reentrancy maxStackDepth ${JSON.stringify(depth)}${where}, using default value ${DEPTH}`,
    );
    return DEPTH;
  }

  const entities = [...new Set(textsOf(body['entities']))];
  const idleMs = idleOf(body, '', IDLE_MS);
  // Without draining, turns are given up at once.
  const drains = body['drainRebalancedActors'] !== false;
  const drainMs = drainOf(body, '', 'global config', DRAIN_MS);
  const reentrancyDepth = depthOf(body, '');
  if (body['remindersStoragePartitions']) {
    warnings.push(
      'remindersStoragePartitions is deprecated and will be removed in future versions',
    );
  }
  const own = new Map<string, Omit<AppActorType, 'type'>>();
  const configs = Array.isArray(body['entitiesConfig']) ? body['entitiesConfig'] : [];
  for (const config of configs.filter(isObject)) {
    const types = textsOf(config['entities']);
    const where = ` of ${types.join(', ')}`;
    const kept = {
      idleMs: idleOf(config, where, IDLE_MS),
      reentrancyDepth: depthOf(config, where),
      drainMs: drainOf(config, where, `entities=${types.join(',')}`, drainMs),
    };
    for (const type of types) {
      if (entities.includes(type)) own.set(type, kept);
      else warnings.push(`Configuration specified for non-hosted actor type: ${type}`);
    }
  }
  return {
    actors: entities.map((type) => ({
      type,
      idleMs,
      reentrancyDepth,
      drainMs,
      ...own.get(type),
      ...(drains ? {} : { drainMs: 0 }),
    })),
    warnings,
  };
}
