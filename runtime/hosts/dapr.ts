/**
 * The dapr runtime: the actors of this process behind a real daprd. Its
 * placement says who owns an actor, its lock gives out the turns, its state
 * component, its scheduler and its brokers keep what actors keep; the engine
 * here makes a turn all or nothing, and errors what they were. A composition
 * root: it decides nothing that the rooms it joins could decide.
 */
import { Engine } from '../core/engine.ts';
import { isTroupeError, TroupeError } from '../core/errors.ts';
import { assertName } from '../core/ref.ts';
import { parseDuration } from '../core/schedule.ts';
import { createDaprdPeer, createDaprdPlacement } from '../placement/daprd.ts';
import { askDaprd, daprdError, type DaprdHttp } from '../stores/daprd.ts';
import { createDaprReminders } from '../stores/dapr-reminders.ts';
import { createDaprStore } from '../stores/dapr-store.ts';
import { createDaprTimers } from '../stores/dapr-timers.ts';
import { createAppHttp } from '../targets/app-http.ts';
import { createInProcessTarget } from '../targets/in-process.ts';
import { createGrpcClient } from '../transport/grpc/client.ts';
import { createProtos } from '../transport/grpc/proto.ts';
import { createHttpServer } from '../transport/http-server.ts';
import { subscribeActors } from './actor-subscriptions.ts';
import { CLOSE_GRACE_MS, systemOf } from './composition.ts';
import { daprActors } from './dapr-actors.ts';
import { createDaprCallbacks } from './dapr-callbacks.ts';
import { daprAppRoute } from './dapr-http.ts';
import { waitForDaprd } from './dapr-start.ts';
import { createDaprStream, type DaprStreamOptions } from './dapr-stream.ts';
import { createDaprTopics } from './dapr-topics.ts';
import { createLogger } from './logger.ts';
import type { DaprOptions, System, SystemOptions } from './system.ts';
import { createSystemClock, systemRandom } from './system-clock.ts';
import { interceptorsOf } from './trace-calls.ts';

const DEFAULT_TIMEOUT = '60s';
const START_TIMEOUT = '60s';
const MAX_MESSAGE_BYTES = 4 * 1024 * 1024;

/** What daprd does here, each with where it is said to it. */
const NOT_HERE = {
  components: 'daprd loads components: give it their files with --resources-path',
  http: 'daprd has the HTTP API: see --dapr-http-port',
  grpc: 'daprd has the gRPC API: see --dapr-grpc-port',
  appPort: 'this process is the app of daprd: say dapr.appPort',
  appProtocol: 'with dapr.appPort daprd calls over HTTP, without it over the actor stream',
  invocations: 'invocations reach actors only; serve others by a server of your own',
  models: 'the Open Inference Protocol is served by the runtimes embedded and sidecar',
  secretScopes: 'daprd has the secrets API: scope it in its Configuration',
  onShutdown: 'daprd has the shutdown API',
} as const satisfies Partial<Record<keyof SystemOptions, string>>;

function assertOptions(options: SystemOptions): void {
  for (const [name, why] of Object.entries(NOT_HERE)) {
    if (options[name as keyof SystemOptions] === undefined) continue;
    const text = `the runtime dapr takes no option "${name}": ${why}`;
    throw new TroupeError('INVALID_ARGUMENT', text);
  }
}

function openDaprd(
  host: string,
  port: number,
  token: string | undefined,
): DaprdHttp & AsyncDisposable {
  const connection = createAppHttp({ host, port, token });
  return {
    async invoke(request) {
      try {
        return await connection.invoke(request);
      } catch (error) {
        if (!isTroupeError(error) || error.code !== 'UNAVAILABLE') throw error;
        const { message } = error.cause as Error;
        const text = `daprd at http://${host}:${port} does not answer: ${message}; is it running there?`;
        throw new TroupeError('UNAVAILABLE', text, { cause: error.cause });
      }
    },
    [Symbol.asyncDispose]: () => connection.close(),
  };
}

/** By which way daprd calls this process. */
async function openAppSide({
  dapr: { appPort: port, appHost: host, appToken: apiToken },
  callbacks,
  logger,
  ...others
}: DaprStreamOptions & { readonly dapr: DaprOptions }): Promise<{ close(): Promise<void> }> {
  if (port !== undefined) {
    return createHttpServer({
      routes: [],
      fallback: daprAppRoute(callbacks),
      port,
      ...(host === undefined ? {} : { host }),
      ...(apiToken === undefined ? {} : { apiToken }),
      logger,
    });
  }
  const stream = createDaprStream({ ...others, callbacks, logger });
  const running = stream.run();
  return {
    close() {
      stream.close();
      return running;
    },
  };
}

/**
 * Waits until daprd is there and has taken the actors. Errors: INVALID_ARGUMENT
 * for options that are daprd's business, UNAVAILABLE when it does not come.
 */
export async function createDapr(options: SystemOptions): Promise<System> {
  assertOptions(options);
  const { appId = 'troupe', clock = createSystemClock(), dapr = {} } = options;
  const { host = '127.0.0.1', httpPort = 3500, grpcPort = 50001, apiToken } = dapr;
  assertName('app id', appId);
  const logger = options.logger ?? createLogger({ level: 'warn', fields: { app_id: appId } });
  await using undo = new AsyncDisposableStack();
  const http = undo.use(openDaprd(host, httpPort, apiToken));
  const client = undo.use(
    createGrpcClient({ host, port: grpcPort, maxMessageBytes: MAX_MESSAGE_BYTES }),
  );
  const grpc = { client, protos: createProtos(), apiToken };
  const facts = { hasTtl: false, pubsubs: new Set<string>() };
  const reminders = createDaprReminders(grpc, clock);
  const timers = createDaprTimers(http, clock);
  const store = createDaprStore({ http, reminders, hasTtl: () => facts.hasTtl });
  const topics = createDaprTopics({ http, grpc, clock, logger, pubsubs: () => facts.pubsubs });
  const engine = new Engine({
    clock,
    random: systemRandom,
    store,
    placement: createDaprdPlacement(`${host}:${httpPort}`),
    peer: createDaprdPeer({
      clock,
      ask: (request) => askDaprd(http, request),
      refused: (answer, { type, id, method }) =>
        daprdError(answer, `${type}/${id} ${method}`, { type, id }),
    }),
    reminders,
    timers,
    logger,
    publisher: () => topics.publisher,
    // daprd says when an actor has been idle for long enough.
    targets: (self) =>
      options.actors.map((actorClass) => ({
        ...createInProcessTarget(actorClass, self, options.services),
        idleMs: Number.POSITIVE_INFINITY,
      })),
    interceptors: interceptorsOf(options),
    defaultTimeoutMs: parseDuration(options.defaultTimeout ?? DEFAULT_TIMEOUT, 'defaultTimeout'),
    tasks: options.tasks,
  });
  const entities = options.actors.map((actorClass) => {
    const { type, idleMs, reentrancyDepth } = createInProcessTarget(
      actorClass,
      engine,
      options.services,
    );
    return { type, idleMs, reentrancyDepth };
  });
  const callbacks = createDaprCallbacks({ engine, store, entities });
  const app = await openAppSide({ dapr, callbacks, grpc, clock, logger });
  undo.defer(async () => {
    await topics.close();
    await engine.close(CLOSE_GRACE_MS);
    await app.close();
  });
  await engine.start();
  const timeoutMs = parseDuration(dapr.startTimeout ?? START_TIMEOUT, 'dapr.startTimeout');
  const found = await waitForDaprd({
    http,
    clock,
    logger,
    timeoutMs,
    where: `${host}:${httpPort}`,
    hosts: entities.length > 0,
  });
  Object.assign(facts, found);
  await subscribeActors(topics, engine, options.actors);
  return systemOf({
    appId,
    engine,
    actors: daprActors({ engine, store, reminders, timers }),
    api: topics,
    http: undefined,
    open: undo.move(),
  });
}
