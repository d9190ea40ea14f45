/**
 * The actors that the app of a sidecar hosts: asked for by GET /dapr/config,
 * kept by the engine while the app is healthy.
 */
import type { AppChannel } from '../api/invoke.ts';
import { bytesOfAnswer } from '../core/bytes.ts';
import type { Engine } from '../core/engine.ts';
import type { Resiliency } from '../core/resiliency.ts';
import {
  createAppActorTarget,
  type AppActorDelivery,
  type AppActorType,
} from '../targets/app-actors.ts';
import { createHttpActorDelivery } from '../targets/app-actors-http.ts';
import { readAppConfig } from '../targets/app-config.ts';
import type { SidecarLog } from './sidecar-log.ts';

export interface AppActorsParts {
  readonly app: AppChannel;
  readonly appId: string;
  readonly log: SidecarLog;
  readonly signal: AbortSignal;
  /** What a round of the placement may take. Absent: there is none. */
  readonly roundMs?: number | undefined;
}

/** Asks once a sidecar's life. What the app says wrong, or not at all, is a warning and no actors. */
export async function askForActors({
  app,
  appId,
  log,
  signal,
  roundMs,
}: AppActorsParts): Promise<readonly AppActorType[]> {
  try {
    const answer = await app.invoke({
      method: 'GET',
      path: '/dapr/config',
      query: '',
      headers: { 'dapr-app-id': appId, 'content-type': 'application/json' },
      signal,
    });
    const bytes = await bytesOfAnswer(answer);
    if (answer.status !== 200) return [];
    const { actors, warnings } = readAppConfig(JSON.parse(Buffer.from(bytes).toString()), roundMs);
    log.info({}, 'Application configuration loaded');
    for (const warning of warnings) log.warn({}, warning);
    return actors;
  } catch (error) {
    log.warn(
      {},
      `failed to load the app configuration: ${error instanceof Error ? error.message : String(error)}`,
    );
    return [];
  }
}

/** Resolves to what ends them: the app is told of each actor's end. */
export function hostAppActors(
  actors: readonly AppActorType[],
  engine: Engine | undefined,
  {
    app,
    log,
    resiliency,
  }: Pick<AppActorsParts, 'app' | 'log'> & { readonly resiliency?: Resiliency | undefined },
): (() => Promise<void>) | undefined {
  if (!engine || actors.length === 0) return undefined;
  const http = createHttpActorDelivery(app);
  const delivery: AppActorDelivery = {
    ...http,
    invoke: (call) =>
      resiliency?.turn(call.type, call.id)?.run(() => http.invoke(call)) ?? http.invoke(call),
  };
  const types = actors.map(({ type }) => type);
  log.info({}, `Registering hosted actors: [${types.join(' ')}]`);
  for (const actor of actors) engine.host(createAppActorTarget(actor, delivery));
  return async () => {
    await Promise.all(types.map((type) => engine.unhost(type)));
  };
}
