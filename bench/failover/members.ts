/** Two sidecars with an app each in Dapr's control plane, which share one actor type; either kind can be daprd or Troupe. */
import {
  componentYaml,
  startApp,
  startSidecar,
  type TestApp,
} from '../../runtime/cli/sidecar.fixture.ts';
import { startDaprd, startPlacement, startScheduler } from '../../test/servers/dapr.ts';
import { startRedis } from '../../test/servers/redis.ts';

export type Kind = 'troupe' | 'daprd';

export interface Member {
  /** HTTP API of its sidecar. */
  readonly base: string;
  /** SIGKILL to the sidecar; its app stays. */
  kill(): void;
}

export interface Members extends AsyncDisposable {
  readonly victim: Member;
  readonly survivor: Member;
  /** Actors that live at the victim. */
  readonly ids: readonly string[];
}

const APP_ID = 'failover';
const TYPE = 'Echo';
const START_MS = 60_000;

export const pathOf = (id: string): string => `/v1.0/actors/${TYPE}/${id}/method/echo`;

/** Calls of an actor that is not where it was may wait, so each says how long it waits for one. */
export async function call(base: string, id: string, timeoutMs: number): Promise<string> {
  const answer = await fetch(base + pathOf(id), {
    method: 'POST',
    body: '{}',
    signal: AbortSignal.timeout(timeoutMs),
  });
  const text = await answer.text();
  if (answer.status !== 200) throw new Error(`${answer.status} ${text}`);
  return text;
}

function startEcho(name: string): Promise<TestApp> {
  return startApp(({ method, url }, response) => {
    response.setHeader('content-type', 'application/json');
    if (url === '/dapr/config') response.end(JSON.stringify({ entities: [TYPE] }));
    else response.end(method === 'DELETE' ? '' : JSON.stringify(name));
    return true;
  });
}

/** Rejects when it takes longer than a minute. */
async function until<T>(look: () => Promise<T | undefined>, what: string): Promise<T> {
  const end = Date.now() + START_MS;
  while (Date.now() < end) {
    const found = await look().catch(() => undefined);
    if (found !== undefined) return found;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`${what} took longer than a minute`);
}

export async function startMembers(
  kinds: { readonly victim: Kind; readonly survivor: Kind },
  actors: number,
): Promise<Members> {
  await using undo = new AsyncDisposableStack();
  const [placement, scheduler, redis] = await Promise.all([
    startPlacement(),
    startScheduler(),
    startRedis(),
  ]);
  for (const server of [placement, scheduler, redis]) undo.use(server);
  const store = componentYaml('store', 'state.redis', {
    redisHost: `127.0.0.1:${redis.port}`,
    actorStateStore: 'true',
  });

  async function start(kind: Kind, name: string): Promise<Member> {
    const app = undo.use(await startEcho(name));
    if (kind === 'daprd') {
      const resources = { 'store.yaml': store };
      const daprd = undo.use(
        await startDaprd({ appId: APP_ID, appPort: app.port, resources, placement, scheduler }),
      );
      return { base: `http://127.0.0.1:${daprd.httpPort}`, kill: () => void daprd.kill() };
    }
    const sidecar = undo.use(
      await startSidecar({
        appId: APP_ID,
        resources: [store],
        args: [
          `--app-port=${app.port}`,
          `--placement-host-address=127.0.0.1:${placement.port}`,
          `--scheduler-host-address=127.0.0.1:${scheduler.port}`,
        ],
      }),
    );
    return { base: sidecar.base, kill: () => sidecar.signal('SIGKILL') };
  }

  const victim = await start(kinds.victim, 'victim');
  const survivor = await start(kinds.survivor, 'survivor');
  const ids = await until(async () => {
    const found: string[] = [];
    let others = 0;
    for (let i = 0; found.length < actors; i++) {
      if ((await call(survivor.base, `a-${i}`, START_MS)) === '"victim"') found.push(`a-${i}`);
      else others++;
    }
    return others > 0 ? found : undefined;
  }, 'sharing the actors');
  const open = undo.move();
  return { victim, survivor, ids, [Symbol.asyncDispose]: () => open.disposeAsync() };
}
