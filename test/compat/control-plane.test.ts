/**
 * A Troupe sidecar as a member of Dapr's own placement and scheduler, beside
 * the official daprd: one actor type, one app id, one store, and an app at each.
 */
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import {
  componentYaml,
  startApp,
  startSidecar,
  type RunningSidecar,
  type TestApp,
} from '../../runtime/cli/sidecar.fixture.ts';
import { startDaprd, startPlacement, startScheduler, type Daprd } from '../servers/dapr.ts';
import type { TestServer } from '../servers/process.ts';
import { startRedis } from '../servers/redis.ts';

const APP_ID = 'counting';
const WAIT = { timeout: 30_000, interval: 50 };

/** An app that hosts `Counter`: counts in the state of the actor, tells who it is, and notes what fires. */
interface Member extends AsyncDisposable {
  readonly name: string;
  readonly fired: string[];
  readonly deactivated: string[];
  readonly app: TestApp;
  /** HTTP API of its sidecar. */
  base: string;
}

async function startMember(name: string): Promise<Member> {
  const fired: string[] = [];
  const deactivated: string[] = [];
  const app = await startApp(({ method, url, headers, body }, response) => {
    void answer(method, url, headers, body).then(
      ({ status = 200, value, more = {} }) => {
        response.writeHead(status, { 'content-type': 'application/json', ...more });
        response.end(value === undefined ? '' : JSON.stringify(value));
      },
      (error: unknown) => {
        response.statusCode = 500;
        response.end(String(error));
      },
    );
    return true;
  });
  const member: Member = {
    name,
    fired,
    deactivated,
    app,
    base: '',
    [Symbol.asyncDispose]: () => app[Symbol.asyncDispose](),
  };

  async function count(id: string): Promise<number> {
    const actor = `${member.base}/v1.0/actors/Counter/${id}/state`;
    const text = await (await fetch(`${actor}/n`)).text();
    const n = (text === '' ? 0 : Number(text)) + 1;
    const body = JSON.stringify([{ operation: 'upsert', request: { key: 'n', value: n } }]);
    const saved = await fetch(actor, { method: 'POST', body });
    if (saved.status !== 204) throw new Error(`state: ${saved.status} ${await saved.text()}`);
    return n;
  }

  async function answer(
    method: string,
    url: string,
    headers: Readonly<Record<string, unknown>>,
    body: string,
  ): Promise<{ status?: number; value?: unknown; more?: Record<string, string> }> {
    if (url === '/dapr/config') {
      const reentrancy = { enabled: true };
      return { value: { entities: ['Counter'], drainOngoingCallTimeout: '1s', reentrancy } };
    }
    if (url.startsWith('/job/')) {
      fired.push(`${url.slice(5)} ${body}`);
      return {};
    }
    const [, , , id = '', , called = '', what = ''] = url.split('/');
    if (method === 'DELETE') {
      deactivated.push(id);
      return {};
    }
    switch (called) {
      case 'add':
        return { value: { by: name, n: await count(id) } };
      case 'echo':
        return { value: { by: name, body, own: headers['x-own'] }, more: { 'x-answer': 'yes' } };
      case 'fail':
        return { status: 500, value: 'no such luck' };
      case 'hang':
        await hanging.promise;
        return {};
      case 'refuse':
        return { value: { why: 'not today' }, more: { 'x-daprerrorresponseheader': 'true' } };
      case 'again': {
        const chain = { 'dapr-reentrancy-id': String(headers['dapr-reentrancy-id']) };
        const inner = `${member.base}/v1.0/actors/Counter/${id}/method/add`;
        return {
          value: await (await fetch(inner, { method: 'POST', headers: chain })).json(),
        };
      }
      case 'remind':
        fired.push(`${id} ${what} ${JSON.stringify((JSON.parse(body) as { data: unknown }).data)}`);
        return { more: what === 'until' ? { 'x-daprremindercancel': 'true' } : {} };
      default:
        return { status: 404 };
    }
  }
  return member;
}

/** Lets go what an app was asked to hold. */
const hanging = Promise.withResolvers<void>();

const ids = Array.from({ length: 40 }, (_, i) => `c-${i}`);

interface Called {
  readonly status: number;
  readonly headers: Headers;
  readonly value: Record<string, unknown>;
}

async function call(
  base: string,
  id: string,
  method: string,
  init: RequestInit = {},
): Promise<Called> {
  const url = `${base}/v1.0/actors/Counter/${id}/method/${method}`;
  const answer = await fetch(url, { method: 'POST', ...init });
  const text = await answer.text();
  const { status, headers } = answer;
  return { status, headers, value: (text === '' ? {} : JSON.parse(text)) as Called['value'] };
}

let placement: TestServer;
let scheduler: TestServer;
let redis: TestServer;
let troupe: Member;
let dapr: Member;
let ours: RunningSidecar;
let theirs: Daprd;

async function startOurs(): Promise<void> {
  ours = await startSidecar({
    appId: APP_ID,
    args: [
      `--app-port=${troupe.app.port}`,
      '--dapr-internal-grpc-listen-address=127.0.0.1',
      `--placement-host-address=127.0.0.1:${placement.port}`,
      `--scheduler-host-address=127.0.0.1:${scheduler.port}`,
    ],
    resources: [store()],
  });
  troupe.base = ours.base;
  await ours.healthy();
}

const store = (): string =>
  componentYaml('store', 'state.redis', {
    redisHost: `127.0.0.1:${redis.port}`,
    actorStateStore: 'true',
  });

/** Who has each actor, by calls through one sidecar. */
async function ownersThrough(base: string): Promise<Map<string, unknown>> {
  const owners = new Map<string, unknown>();
  for (const id of ids) owners.set(id, (await call(base, id, 'echo')).value['by']);
  return owners;
}

/** Rejects until daprd has joined and got some of the actors. */
async function bothHost(): Promise<void> {
  const { status } = await fetch(`${dapr.base}/v1.0/healthz`);
  const owners = new Set((await ownersThrough(ours.base)).values());
  if (status !== 204 || owners.size < 2) throw new Error(`daprd hosts no actors yet: ${status}`);
}

async function allOnDaprd(): Promise<void> {
  await vi.waitFor(async () => {
    const owners = new Set((await ownersThrough(dapr.base)).values());
    if (owners.size > 1 || !owners.has('dapr')) throw new Error('daprd has not got all actors yet');
  }, WAIT);
}

const idOf = (owners: ReadonlyMap<string, unknown>, by: Member): string =>
  [...owners].find(([, owner]) => owner === by.name)![0];

beforeAll(async () => {
  [placement, scheduler, redis, troupe, dapr] = await Promise.all([
    startPlacement(),
    startScheduler(),
    startRedis(),
    startMember('troupe'),
    startMember('dapr'),
  ]);
  await startOurs();
  theirs = await startDaprd({
    appId: APP_ID,
    appPort: dapr.app.port,
    resources: { 'store.yaml': store() },
    placement,
    scheduler,
  });
  dapr.base = `http://127.0.0.1:${theirs.httpPort}`;
  await vi.waitFor(bothHost, WAIT);
});

afterAll(async () => {
  hanging.resolve();
  await ours?.[Symbol.asyncDispose]();
  await theirs?.[Symbol.asyncDispose]();
  for (const one of [troupe, dapr]) await one?.[Symbol.asyncDispose]();
  for (const server of [placement, scheduler, redis]) await server?.stop();
});

describe('one actor type on Troupe and on daprd', () => {
  it('is spread over both, and both know where each actor is', async () => {
    const owners = await ownersThrough(ours.base);
    expect(await ownersThrough(dapr.base)).toEqual(owners);
    expect(new Set(owners.values())).toEqual(new Set(['troupe', 'dapr']));
  });

  it('is called through either with headers, errors and reentrancy as they are', async () => {
    const owners = await ownersThrough(ours.base);
    for (const member of [troupe, dapr]) {
      const id = idOf(owners, member);
      for (const base of [ours.base, dapr.base]) {
        const headers = { 'x-own': 'mine', 'content-type': 'application/json' };
        const echoed = await call(base, id, 'echo', { headers, body: '{"a":1}' });
        expect(echoed.value).toEqual({ by: member.name, body: '{"a":1}', own: 'mine' });
        expect(echoed.headers.get('x-answer')).toBe('yes');
        const refused = await call(base, id, 'refuse');
        expect(refused.headers.get('x-daprerrorresponseheader')).toBe('true');
        expect(refused.value).toEqual({ why: 'not today' });
        const failed = await call(base, id, 'fail');
        expect(failed.status).toBe(500);
        expect(failed.value).toMatchObject({ errorCode: 'ERR_ACTOR_INVOKE_METHOD' });
        expect(failed.value['message']).toContain('no such luck');
        expect((await call(base, id, 'again')).value).toMatchObject({ by: member.name });
      }
    }
  });

  it('fires a reminder that was set on one once, where its actor is', async () => {
    const owners = await ownersThrough(ours.base);
    for (const [setter, owner] of [
      [troupe, dapr],
      [dapr, troupe],
    ] as const) {
      const id = idOf(owners, owner);
      const url = `${setter.base}/v1.0/actors/Counter/${id}/reminders/soon`;
      const body = JSON.stringify({ dueTime: '1s', data: { from: setter.name } });
      expect((await fetch(url, { method: 'POST', body })).status).toBe(204);
      const line = `${id} soon {"from":"${setter.name}"}`;
      await vi.waitFor(() => expect(owner.fired).toContain(line), WAIT);
      // What has fired for the last time is gone for both, once its owner has said that it took it.
      await vi.waitFor(async () => expect((await fetch(url)).status).toBe(404), WAIT);
      expect(owner.fired.filter((one) => one === line)).toHaveLength(1);
      expect(setter.fired).not.toContain(line);
    }
  });

  it('keeps jobs in the scheduler, which gives them to one of the two', async () => {
    const url = `${ours.base}/v1.0-alpha1/jobs`;
    const schedule = (name: string, job: object): Promise<Response> =>
      fetch(`${url}/${name}`, { method: 'POST', body: JSON.stringify(job) });
    expect((await schedule('later', { dueTime: '1h', data: 'x' })).status).toBe(204);
    expect((await schedule('later', { dueTime: '1h' })).status).toBe(409);
    const known = await fetch(`${dapr.base}/v1.0-alpha1/jobs/later`);
    expect(await known.json()).toMatchObject({ name: 'later', dueTime: '1h' });
    expect((await fetch(`${url}/later`, { method: 'DELETE' })).status).toBe(204);
    expect((await fetch(`${dapr.base}/v1.0-alpha1/jobs/later`)).status).toBe(500);
    expect((await schedule('now', { dueTime: '0s', data: { n: 1 } })).status).toBe(204);
    const all = (): string[] =>
      [...troupe.fired, ...dapr.fired].filter((one) => one.startsWith('now '));
    await vi.waitFor(() => expect(all()).toEqual(['now {"n":1}']), WAIT);
  });

  it('passes a deadline on to where the actor is', async () => {
    const id = idOf(await ownersThrough(ours.base), dapr);
    const headers = { 'troupe-timeout-ms': '500' };
    const late = await call(ours.base, id, 'hang', { headers });
    expect([late.status, late.value['errorCode']]).toEqual([504, 'ERR_TIMEOUT']);
  });

  it('tells what it is part of', async () => {
    const metadata = (await (await fetch(`${ours.base}/v1.0/metadata`)).json()) as object;
    expect(metadata).toMatchObject({
      actorRuntime: {
        runtimeStatus: 'RUNNING',
        hostReady: true,
        placement: 'placement: connected',
      },
      scheduler: { connected_addresses: [`127.0.0.1:${scheduler.port}`] },
    });
  });
});

describe('when a member goes', () => {
  it('its actors come up on the other, with their state', async () => {
    const counts = new Map<string, number>();
    for (const id of ids) counts.set(id, (await call(ours.base, id, 'add')).value['n'] as number);
    await theirs.kill();
    for (const id of ids) {
      const { value } = await call(ours.base, id, 'add');
      expect(value).toEqual({ by: 'troupe', n: counts.get(id)! + 1 });
    }
    await theirs.restart();
    await vi.waitFor(bothHost, WAIT);
    for (const id of ids) {
      expect((await call(dapr.base, id, 'add')).value['n']).toBe(counts.get(id)! + 2);
    }
    ours.signal('SIGTERM');
    await ours.exited;
    await allOnDaprd();
    for (const id of ids) {
      const { value } = await call(dapr.base, id, 'add');
      expect(value).toEqual({ by: 'dapr', n: counts.get(id)! + 3 });
    }
  });

  it('by kill -9 under load, calls go on at the other, and nothing that was counted is lost', async () => {
    await startOurs();
    await vi.waitFor(bothHost, WAIT);
    const counted = new Map<string, number>();
    let stopped = false;
    const load = ids.map(async (id) => {
      while (!stopped) {
        const { status, value } = await call(dapr.base, id, 'add');
        if (status === 200) counted.set(id, value['n'] as number);
      }
    });
    await vi.waitFor(() => expect(counted.size).toBe(ids.length), WAIT);
    ours.signal('SIGKILL');
    await ours.exited;
    await allOnDaprd();
    stopped = true;
    await Promise.all(load);
    for (const id of ids) {
      const { value } = await call(dapr.base, id, 'add');
      expect(value['by']).toBe('dapr');
      expect(value['n']).toBeGreaterThan(counted.get(id)!);
    }
  });

  it('and when the placement goes, both end their actors and have them again when it is back', async () => {
    await startOurs();
    await vi.waitFor(bothHost, WAIT);
    const id = idOf(await ownersThrough(ours.base), troupe);
    const before = (await call(ours.base, id, 'add')).value['n'] as number;
    const ended = troupe.deactivated.length;
    await placement.kill();
    await vi.waitFor(() => expect(troupe.deactivated.slice(ended)).toContain(id), WAIT);
    const waiting = call(ours.base, id, 'add');
    await placement.restart();
    expect((await waiting).value['n']).toBe(before + 1);
    await vi.waitFor(bothHost, WAIT);
  });
});
