/**
 * Actors written for Dapr's JavaScript SDK, by one test over all that can host
 * them: the SDK behind the official daprd and behind `troupe sidecar`, and
 * Troupe itself, embedded and behind the official daprd.
 */
import { join } from 'node:path';
import { ActorId, ActorProxyBuilder, DaprClient, LogLevel } from '@dapr/dapr';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { daprActor } from '../../runtime/actor/index.ts';
import { componentYaml, startSidecar } from '../../runtime/cli/sidecar.fixture.ts';
import { createSystem } from '../../runtime/index.ts';
import { waitFor } from '../runtimes/behaviour/stage.ts';
import { startDaprSet, type DaprSet } from '../servers/dapr-set.ts';
import { startServer, type TestServer } from '../servers/process.ts';
import { CounterActor, ReminderActor, SDK_ACTORS, TimerActor } from './sdk-actors.ts';

interface Hosted extends AsyncDisposable {
  /** Of the API by which the actors are called. */
  readonly port: number;
}

interface Host {
  readonly name: string;
  /** A method that throws leaves what it set behind, until the instance goes. */
  readonly keepsDirtyState: boolean;
  open(set: DaprSet): Promise<Hosted>;
}

/** The counter throws on purpose. */
const SILENT = { debug() {}, info() {}, warn() {}, error() {} };

function startSdkApp(appPort: number, daprPort: number): Promise<TestServer> {
  return startServer({
    name: 'sdk-app',
    command: process.execPath,
    args: () => [join(import.meta.dirname, 'sdk-app.ts'), String(appPort), String(daprPort)],
    ready: /serving/,
  });
}

const hosts: readonly Host[] = [
  {
    name: 'the SDK behind the official daprd',
    keepsDirtyState: true,
    async open(set) {
      await using undo = new AsyncDisposableStack();
      const appPort = await set.freePort();
      const daprd = undo.use(await set.daprd({ appId: 'sdk', appPort }));
      undo.use(await startSdkApp(appPort, daprd.httpPort));
      const open = undo.move();
      return { port: daprd.httpPort, [Symbol.asyncDispose]: () => open.disposeAsync() };
    },
  },
  {
    name: 'the SDK behind troupe sidecar',
    keepsDirtyState: true,
    async open(set) {
      await using undo = new AsyncDisposableStack();
      const appPort = await set.freePort();
      const store = componentYaml('statestore', 'state.in-memory', { actorStateStore: 'true' });
      const args = [`--app-port=${appPort}`];
      const sidecar = undo.use(await startSidecar({ resources: [store], args }));
      undo.use(await startSdkApp(appPort, sidecar.httpPort));
      await sidecar.healthy();
      const open = undo.move();
      return { port: sidecar.httpPort, [Symbol.asyncDispose]: () => open.disposeAsync() };
    },
  },
  {
    name: 'Troupe embedded',
    keepsDirtyState: false,
    async open() {
      const actors = SDK_ACTORS.map((one) => daprActor(one));
      const system = await createSystem({ actors, http: { port: 0 }, logger: SILENT });
      return { port: system.http!.port, [Symbol.asyncDispose]: () => system.close() };
    },
  },
  {
    name: 'Troupe behind the official daprd',
    keepsDirtyState: false,
    async open(set) {
      await using undo = new AsyncDisposableStack();
      const appPort = await set.freePort();
      const { httpPort, grpcPort } = undo.use(await set.daprd({ appId: 'moved', appPort }));
      const actors = SDK_ACTORS.map((one) => daprActor(one));
      const dapr = { httpPort, grpcPort, appPort };
      undo.use(
        await createSystem({ runtime: 'dapr', appId: 'moved', actors, dapr, logger: SILENT }),
      );
      const open = undo.move();
      return { port: httpPort, [Symbol.asyncDispose]: () => open.disposeAsync() };
    },
  },
];

let set: DaprSet;

beforeAll(async () => {
  set = await startDaprSet();
});

afterAll(() => set?.[Symbol.asyncDispose]());

describe.each(hosts)('by $name', ({ keepsDirtyState, open }) => {
  let hosted: Hosted;
  let client: DaprClient;

  beforeAll(async () => {
    hosted = await open(set);
    client = new DaprClient({
      daprHost: '127.0.0.1',
      daprPort: String(hosted.port),
      logger: { level: LogLevel.Error },
    });
  });

  afterAll(async () => {
    await client?.stop();
    await hosted?.[Symbol.asyncDispose]();
  });

  const proxy = <T>(actorClass: abstract new (...args: never[]) => T, id: string): T =>
    new ActorProxyBuilder<T>(actorClass as never, client).build(new ActorId(id));

  it('a counter counts, takes several arguments, and forgets what it removes', async () => {
    const counter = proxy(CounterActor, 'c');
    expect(await counter.add(40)).toBe(40);
    expect(await counter.addBoth(1, 1)).toBe(42);
    const sums = await Promise.all([1, 1, 1, 1].map((by) => counter.add(by)));
    expect(sums.toSorted((a, b) => a - b)).toEqual([43, 44, 45, 46]);
    await counter.clear();
    expect(Number(await counter.count())).toBe(0);
  });

  it('a method that throws fails, and its changes are as its host has it', async () => {
    const counter = proxy(CounterActor, 'f');
    await counter.add(1);
    await expect(counter.addAndFail(1000)).rejects.toThrow('"status":500');
    expect(await counter.count()).toBe(keepsDirtyState ? 1001 : 1);
  });

  it('a reminder fires with its data until it is unregistered', async () => {
    const reminder = proxy(ReminderActor, 'r');
    await reminder.arm(1);
    await waitFor(async () => Number(await reminder.woken()) >= 20, 'it fires twice');
    await reminder.disarm();
    expect(Number(await reminder.woken()) % 10).toBe(0);
    const url = `http://127.0.0.1:${hosted.port}/v1.0/actors/ReminderActor/r/reminders/wake`;
    expect((await fetch(url)).status).toBe(404);
  });

  it('a timer calls a method until it is unregistered', async () => {
    const timer = proxy(TimerActor, 't');
    await timer.arm(5);
    await waitFor(async () => (await timer.ticks())[0]! >= 15, 'it ticks three times');
    await timer.disarm();
    const [ticks, activated] = await timer.ticks();
    expect([ticks! % 5, activated]).toEqual([0, 1]);
  });
});
