import { expect, it } from 'vitest';
import { Actor } from '../../runtime/actor/index.ts';
import { createStage, errorOf, rounds, until, type Stage } from './stage.ts';
import { guarantee, type Running } from './table.ts';

/** Where a call goes on from an actor: to the next of these, and so on. */
type Route = { to: string; gate?: string; read?: boolean }[];

class Node extends Actor<Stage> {
  static readonly type: string = 'Node';
  static readonly options: object = { readOnly: ['read'] };

  async call(route: Route): Promise<string> {
    return this.go(route);
  }
  async read(route: Route): Promise<string> {
    return this.go(route);
  }
  /** Goes on without waiting for it. */
  async start(route: Route): Promise<void> {
    this.go(route).then(
      () => this.ctx.services.log.push('came back'),
      (error: Error) => this.ctx.services.log.push(error.message),
    );
  }
  async go(route: Route): Promise<string> {
    const [next, ...rest] = route;
    if (!next) return 'done';
    if (next.gate !== undefined) await this.ctx.services.gate(next.gate);
    const [type, id] = next.to.split('/') as [string, string];
    const ref = this.ctx.ref<Node>(type, id);
    return next.read ? ref.read(rest) : ref.call(rest);
  }
}

class Reentrant extends Node {
  static override readonly type = 'Reentrant';
  static override readonly options = { reentrant: true, readOnly: ['read'] };

  /** Two calls at once, each on a way of its own. */
  async fork(ways: { to: string; route: Route }[]): Promise<string[]> {
    const outcomes = await Promise.allSettled(
      ways.map(({ to, route }) => this.ctx.ref<Node>('Node', to).call(route)),
    );
    return outcomes.map((outcome) =>
      outcome.status === 'fulfilled' ? outcome.value : (outcome.reason as { code: string }).code,
    );
  }
}

class Shallow extends Node {
  static override readonly type = 'Shallow';
  static override readonly options = { reentrant: { maxDepth: 3 } };
}

/** Calls itself back when it wakes up. */
class Waking extends Actor<Stage> {
  static readonly type = 'Waking';
  static readonly options = { reentrant: true };
  override async onActivate(): Promise<void> {
    this.ctx.services.log.push('activate');
    await this.ctx.ref<Node>('Node', 'n').call([{ to: `Waking/${this.ctx.id}` }]);
  }
  async call(): Promise<string> {
    this.ctx.services.log.push('call');
    return 'done';
  }
}

const actors = [Node, Reentrant, Shallow, Waking];
const node = (host: Running, id: string) => host.ref<Node>('Node', id);
const chain = (...ids: string[]): Route =>
  ids.map((to) => ({ to: to.includes('/') ? to : `Node/${to}` }));

guarantee(8, 'no silent deadlock', (open) => {
  it.each<[string, Route, string]>([
    ['an actor that calls itself', chain('a'), 'Node/a -> Node/a'],
    ['a chain over one other', chain('b', 'a'), 'Node/a -> Node/b -> Node/a'],
    [
      'a chain over three',
      chain('b', 'c', 'd', 'b'),
      'Node/a -> Node/b -> Node/c -> Node/d -> Node/b',
    ],
  ])('%s fails at once, with the chain in the message', async (_what, route, path) => {
    await using host = await open({ actors, services: createStage() });
    const before = host.clock.now();
    const error = await errorOf(node(host, 'a').call(route));
    expect(error).toMatchObject({ code: 'DEADLOCK' });
    expect(error.message).toContain(path);
    expect(host.clock.now()).toBe(before);
    expect(await node(host, 'a').call([]), 'and all are free again').toBe('done');
  });

  it('negative control: a chain that does not come back passes', async () => {
    await using host = await open({ actors, services: createStage() });
    expect(await node(host, 'a').call(chain('b', 'c', 'd'))).toBe('done');
  });

  it.each([2, 3, 5])('of %i chains that wait for each other the youngest fails', async (count) => {
    const stage = createStage();
    await using host = await open({ actors, services: stage });
    const ids = Array.from({ length: count }, (_, i) => `n${i}`);
    const calls: Promise<string>[] = [];
    for (const [i, id] of ids.entries()) {
      const next = ids[(i + 1) % count]!;
      calls.push(node(host, id).call([{ to: `Node/${next}`, gate: 'go' }]));
      await until(() => stage.held('go') === i + 1, 'the chain has begun');
    }
    stage.open('go');
    const outcomes = await Promise.allSettled(calls);
    const failed = outcomes.flatMap((outcome, i) => (outcome.status === 'rejected' ? [i] : []));
    expect(failed).toEqual([count - 1]);
    const error = await errorOf(calls.at(-1)!);
    expect(error.code).toBe('DEADLOCK');
    for (const id of ids) expect(error.message).toContain(`Node/${id}`);
  });

  it('two that only meet, without a cycle, wait for each other in peace', async () => {
    const stage = createStage();
    await using host = await open({ actors, services: stage });
    const first = node(host, 'a').call([{ to: 'Node/c', gate: 'go' }]);
    const second = node(host, 'b').call([{ to: 'Node/c', gate: 'go' }, { to: 'Node/d' }]);
    await until(() => stage.held('go') === 2, 'both have begun');
    stage.open('go');
    expect(await Promise.all([first, second])).toEqual(['done', 'done']);
  });

  it('finds readers that wait for a writer behind each other', async () => {
    const stage = createStage();
    await using host = await open({ actors, services: stage });
    await Promise.all(['a', 'b'].map((id) => node(host, id).call([])));
    const readers = [
      node(host, 'a').read([{ to: 'Node/b', gate: 'go' }]),
      node(host, 'b').read([{ to: 'Node/a', gate: 'go' }]),
    ];
    await until(() => stage.held('go') === 2, 'both readers run');
    stage.open('go');
    const outcomes = await Promise.allSettled(readers);
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
    expect(await errorOf(readers[1]!)).toMatchObject({ code: 'DEADLOCK' });
  });

  it('lets a chain of readers come back to a reader', async () => {
    await using host = await open({ actors, services: createStage() });
    await node(host, 'a').call([]);
    const route: Route = [
      { to: 'Node/b', read: true },
      { to: 'Node/a', read: true },
    ];
    expect(await node(host, 'a').read(route)).toBe('done');
    expect(await errorOf(node(host, 'a').read(chain('b', 'a')))).toMatchObject({
      code: 'DEADLOCK',
    });
  });

  it('lets a chain come back to a reentrant actor, as deep as it is declared', async () => {
    await using host = await open({ actors, services: createStage() });
    const call = (type: string, times: number): Promise<string> =>
      host.ref<Node>(type, 'r').call(Array.from({ length: times }, () => ({ to: `${type}/r` })));
    expect(await call('Reentrant', 31)).toBe('done');
    expect(await errorOf(call('Reentrant', 32))).toMatchObject({ code: 'STACK_DEPTH' });
    expect(await call('Shallow', 2)).toBe('done');
    expect(await errorOf(call('Shallow', 3))).toMatchObject({ code: 'STACK_DEPTH' });
  });

  it('finds a cycle in which a call waits inside a reentrant turn', async () => {
    const stage = createStage();
    await using host = await open({ actors, services: stage });
    const started = host.clock.now();
    // Both come back to r; the one that is let in first wants n, which waits for the other.
    const outcome = host.ref<Reentrant>('Reentrant', 'r').fork([
      { to: 'm', route: [{ to: 'Reentrant/r' }, { to: 'Node/n', gate: 'in' }] },
      { to: 'n', route: [{ to: 'Reentrant/r', gate: 'behind' }] },
    ]);
    await until(() => stage.held('in') === 1, 'the first came back and runs');
    stage.open('behind');
    await rounds();
    stage.open('in');
    expect((await outcome).toSorted()).toEqual(['DEADLOCK', 'done']);
    expect(host.clock.now()).toBe(started);
  });

  it('a call that nobody waits for is no deadlock', async () => {
    const stage = createStage();
    await using host = await open({ actors, services: stage });
    await node(host, 'a').start([{ to: 'Node/b', gate: 'go' }, { to: 'Node/a' }]);
    stage.open('go');
    await host.settled();
    expect(stage.log).toEqual(['came back']);
  });

  it('an actor may be called back while it wakes up', async () => {
    const stage = createStage();
    await using host = await open({ actors, services: stage });
    expect(await host.ref<Waking>('Waking', 'w').call()).toBe('done');
    expect(stage.log).toEqual(['activate', 'call', 'call']);
  });
});
