/** Actors of Dapr's own SDK, hosted by it, behind `troupe sidecar` as a real process. */
import {
  AbstractActor,
  ActorId,
  ActorProxyBuilder,
  DaprClient,
  DaprServer,
  LogLevel,
  Temporal,
} from '@dapr/dapr';
import { expect, it, vi } from 'vitest';
import { componentYaml, startApp, startSidecar } from '../runtime/cli/sidecar.fixture.ts';
import { freePorts } from '../runtime/cli/run/ports.fixture.ts';

const store = componentYaml('statestore', 'state.in-memory', { actorStateStore: 'true' });
const deactivated: string[] = [];
let inside = 0;
let overlaps = 0;

const soon = Temporal.Duration.from({ milliseconds: 50 });

class CounterActor extends AbstractActor {
  async add(by: number): Promise<number> {
    overlaps += inside++ > 0 ? 1 : 0;
    const next = (await this.count()) + by;
    await new Promise((resolve) => setImmediate(resolve));
    await this.getStateManager<number>().setState('count', next);
    await this.getStateManager().saveState();
    inside--;
    return next;
  }

  async count(): Promise<number> {
    const [isThere, value] = await this.getStateManager<number>().tryGetState('count');
    return isThere ? value! : 0;
  }

  async arm(): Promise<void> {
    await this.registerActorTimer('tick', 'tick', soon, soon, undefined, 1);
    await this.registerActorReminder('remember', soon, soon, undefined, 100);
  }

  async disarm(): Promise<void> {
    await this.unregisterActorTimer('tick');
    await this.unregisterActorReminder('remember');
  }

  async tick(by: number): Promise<void> {
    await this.add(by);
  }

  override async receiveReminder(data: string): Promise<void> {
    await this.add(Number(data));
  }

  override async onDeactivate(): Promise<void> {
    deactivated.push(this.getActorId().getId());
  }
}

it('a counter of the JavaScript SDK counts, keeps its state, and hears its timer and reminder', async () => {
  const [port] = (await freePorts(1)) as [number];
  await using sidecar = await startSidecar({ resources: [store], args: [`--app-port=${port}`] });
  const at = {
    daprHost: '127.0.0.1',
    daprPort: String(sidecar.httpPort),
    logger: { level: LogLevel.Error },
  };
  const server = new DaprServer({
    serverHost: '127.0.0.1',
    serverPort: String(port),
    clientOptions: at,
    logger: at.logger,
  });
  await server.actor.init();
  await server.actor.registerActor(CounterActor);
  await server.start();
  const client = new DaprClient(at);
  try {
    await sidecar.healthy();
    const builder = new ActorProxyBuilder<CounterActor>(CounterActor, client);
    const counter = builder.build(new ActorId('c-1'));
    const adds = await Promise.all([1, 2, 3, 4].map((by) => counter.add(by)));
    expect(adds.toSorted((a, b) => a - b).at(-1)).toBe(10);
    expect(overlaps).toBe(0);
    expect(await counter.count()).toBe(10);

    await counter.arm();
    await vi.waitFor(async () => {
      const total = (await counter.count()) - 10;
      expect([total >= 200, total % 100 > 0]).toEqual([true, true]);
    });
    await counter.disarm();
    const settled = await counter.count();
    const kept = await fetch(`${sidecar.base}/v1.0/actors/CounterActor/c-1/reminders/remember`);
    expect(kept.status).toBe(404);
    expect(await counter.count()).toBe(settled);
    expect(overlaps).toBe(0);

    sidecar.signal('SIGTERM');
    expect(await sidecar.exited).toBe(0);
    expect(deactivated).toEqual(['c-1']);
  } finally {
    await client.stop();
    await server.stop();
  }
});

const config = (more: object): string => JSON.stringify({ entities: ['Cart'], ...more });

it('answers of an app come back as they are; only 200 is success', async () => {
  await using app = await startApp(({ url, method }, response) => {
    if (url === '/dapr/config') return response.end(config({}));
    if (method === 'DELETE') return response.end();
    if (url.includes('/missing?')) response.statusCode = 404;
    if (url.includes('/odd?')) response.statusCode = 201;
    if (url.includes('/refused?')) response.setHeader('X-DaprErrorResponseHeader', 'true');
    response.setHeader('content-type', 'text/plain');
    response.setHeader('x-more', 'yes');
    return response.end('body');
  });
  await using sidecar = await startSidecar({
    resources: [store],
    args: [`--app-port=${app.port}`],
  });
  await sidecar.healthy();
  const call = (method: string): Promise<Response> =>
    fetch(`${sidecar.base}/v1.0/actors/Cart/a b/method/${method}?x=1`, {
      method: 'POST',
      body: 'hello',
      headers: { 'x-mine': '1' },
    });
  const answer = await call('add');
  expect([answer.status, await answer.text()]).toEqual([200, 'body']);
  expect(answer.headers.get('content-type')).toBe('text/plain');
  expect(answer.headers.get('x-more')).toBe('yes');
  expect(app.seen.at(-1)).toMatchObject({
    method: 'PUT',
    url: '/actors/Cart/a%20b/method/add?x=1',
    body: 'hello',
    headers: { 'x-mine': '1' },
  });
  const refused = await call('refused');
  expect(refused.headers.get('x-daprerrorresponseheader')).toBe('true');
  for (const [method, text] of [
    ['missing', 'actor method not found'],
    ['odd', 'error from actor service: (201) body'],
  ] as const) {
    const failed = await call(method);
    expect(failed.status).toBe(500);
    expect(await failed.json()).toMatchObject({
      errorCode: 'ERR_ACTOR_INVOKE_METHOD',
      message: expect.stringContaining(text) as string,
    });
  }
  const state = await fetch(`${sidecar.base}/v1.0/actors/Cart/other/state`, {
    method: 'POST',
    body: '[{"operation":"upsert","request":{"key":"k","value":1}}]',
  });
  expect(state.status).toBe(400);
  expect(await state.json()).toMatchObject({ errorCode: 'ERR_ACTOR_INSTANCE_MISSING' });
});

it('a reentrant chain comes back by its id, as deep as the app allows', async () => {
  const base = { url: '' };
  await using app = await startApp(({ url, headers }, response) => {
    if (url === '/dapr/config') {
      return response.end(config({ reentrancy: { enabled: true, maxStackDepth: 2 } }));
    }
    if (!url.includes('/method/dive')) return response.end();
    const depth = Number(url.split('/dive')[1]);
    const id = headers['dapr-reentrancy-id'] as string;
    void fetch(`${base.url}/v1.0/actors/Cart/c/method/dive${depth + 1}`, {
      method: 'PUT',
      headers: { 'dapr-reentrancy-id': id },
    }).then(async (inner) => response.end(`${depth} > ${inner.status} ${await inner.text()}`));
    return true;
  });
  await using sidecar = await startSidecar({
    resources: [store],
    args: [`--app-port=${app.port}`],
  });
  base.url = sidecar.base;
  await sidecar.healthy();
  const answer = await fetch(`${sidecar.base}/v1.0/actors/Cart/c/method/dive1`, { method: 'PUT' });
  const text = await answer.text();
  expect(text).toMatch(/^1 > 200 2 > 500 /);
  expect(text).toContain('ERR_ACTOR_STACK_DEPTH');
});

it('an idle actor is ended, and an app without an actor state store hosts none', async () => {
  await using app = await startApp(({ url }, response) => {
    if (url === '/dapr/config') {
      return response.end(config({ actorIdleTimeout: '100ms', drainOngoingCallTimeout: 'soon' }));
    }
    return response.end();
  });
  await using sidecar = await startSidecar({
    resources: [store],
    args: [`--app-port=${app.port}`],
  });
  await sidecar.healthy();
  await fetch(`${sidecar.base}/v1.0/actors/Cart/c/method/add`, { method: 'PUT' });
  await vi.waitFor(() =>
    expect(app.seen.at(-1)).toMatchObject({ method: 'DELETE', url: '/actors/Cart/c' }),
  );
  expect(sidecar.output()).toContain('Invalid drain ongoing call timeout value');

  await using bare = await startSidecar({ args: [`--app-port=${app.port}`] });
  await bare.healthy();
  expect(bare.output()).toContain('Actor state store not configured');
  const answer = await fetch(`${bare.base}/v1.0/actors/Cart/c/method/add`, { method: 'PUT' });
  expect(answer.status).toBe(500);
});
