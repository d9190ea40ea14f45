/** Work in worker threads as part of a turn: the guarantees of turns hold for it, and many actors share a batch. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Actor, ActorError } from '../../runtime/actor/index.ts';
import type { TaskRunner } from '../../runtime/core/ports.ts';
import { createInference, type Inference } from '../../workers/inference/inference.ts';
import {
  makeRepository,
  scaleModel,
  slowModel,
  type TestRepository,
} from '../../workers/inference/onnx.fixture.ts';
import type { OddTasks } from '../../workers/odd-tasks.fixture.ts';
import { createPool, type Pool } from '../../workers/pool.ts';
import {
  createTaskRunner,
  type PredictionInNumbers,
  type PredictTask,
} from '../../workers/task-runner.ts';
import { codeOf, createStage, errorOf, rounds, until, type Stage } from './stage.ts';
import { everyRuntime, guarantee, type Running } from './table.ts';

class Thinker extends Actor<Stage> {
  static readonly type = 'Thinker';
  static readonly options = {
    offloaded: { echo: 'echo', predict: 'predict' },
    readOnly: ['predict'],
  };
  readonly #thoughts = this.state('thoughts', { initial: (): string[] => [] });
  declare echo: (input: OddTasks['echo']['input']) => Promise<unknown>;
  declare predict: (input: PredictTask) => Promise<PredictionInNumbers>;

  /** Writes before and after its work in a worker. */
  async think(text: string): Promise<unknown> {
    const thoughts = await this.#thoughts.get();
    thoughts.push(`${text}?`);
    this.ctx.services.log.push(`${text} begins`);
    const value = await this.ctx.offload('echo', { value: text, ms: 5 });
    thoughts.push(`${text}!`);
    this.ctx.services.log.push(`${text} ends`);
    return value;
  }

  async thinkAndFail(how: 'task' | 'actor' | 'thread'): Promise<void> {
    (await this.#thoughts.get()).push('lost');
    this.ctx.outbox.ref<Thinker>('Thinker', 'other').think('lost');
    if (how === 'thread') await this.ctx.offload('die', 'exit');
    if (how === 'task') await this.ctx.offload('echo', null);
    await this.ctx.offload('echo', { value: 1 });
    throw new ActorError('REFUSED', 'no');
  }

  async waitForEver(memory: 'pool' | 'model'): Promise<void> {
    const work =
      memory === 'pool'
        ? this.ctx.offload('wait', null)
        : this.ctx.offload('predict', { model: 'scale', inputs: { x: Float32Array.of(1) } });
    await work.catch((error: { code: string }) => {
      this.ctx.services.log.push(`woken by ${error.code}`);
      throw error;
    });
  }

  async thoughts(): Promise<string[]> {
    return [...(await this.#thoughts.get())];
  }
}

let repository: TestRepository;
let models: Inference;
let pool: Pool<OddTasks>;
let tasks: TaskRunner;

beforeAll(async () => {
  repository = await makeRepository();
  await repository.put('scale', '1', scaleModel(2, 1), 'maxBatchSize: 64\n');
  await repository.put('slow', '1', slowModel(300), 'maxBatchSize: 1\n');
  models = await createInference({ repository: repository.path, workers: 1 });
  const module = new URL('../../workers/odd-tasks.fixture.ts', import.meta.url);
  pool = createPool<OddTasks>({ workers: 1, name: 'thinking', module });
  tasks = createTaskRunner({ echo: pool, wait: pool, die: pool, predict: models });
});

afterAll(async () => {
  await pool.close();
  await models.close();
  await repository[Symbol.asyncDispose]();
});

const actors = [Thinker];
const thinker = (host: Running, id = 't') => host.ref<Thinker>('Thinker', id);

/** Gives the one thread of the models more to do than passes while this one is held up on a busy machine. */
function keepBusy(): Promise<unknown> {
  const x = new Float32Array(256);
  return Promise.all(Array.from({ length: 20 }, () => models.predict('slow', { x })));
}

/** Runs of a session so far. */
function runs(model: string): number {
  const line = models
    .metrics()
    .match(`nv_inference_exec_count{model="${model}",version="1"} (\\d+)`);
  return Number(line?.[1]);
}

guarantee(1, 'one turn at a time', (open) => {
  it('a turn with offloaded work keeps guarantee 1: the next call waits for it', async () => {
    const services = createStage();
    await using host = await open({ actors, services, tasks });
    const calls = ['one', 'two', 'three'].map((text) => thinker(host).think(text));
    expect(await Promise.all(calls)).toEqual(['one', 'two', 'three']);
    const order = ['one', 'two', 'three'].flatMap((text) => [`${text} begins`, `${text} ends`]);
    expect(services.log).toEqual(order);
  });

  it('a method declared as offloaded is a turn too', async () => {
    const services = createStage();
    await using host = await open({ actors, services, tasks });
    const first = thinker(host).echo({ value: 'answer', ms: 1000 });
    const second = thinker(host).think('after');
    await until(() => pool.metrics().running === 1, 'the first is in its thread');
    await rounds();
    expect(services.log).toEqual([]);
    expect(await first).toBe('answer');
    await second;
  });
});

guarantee(2, 'all or nothing', (open) => {
  it('a turn with offloaded work keeps guarantee 2: it commits before and after together', async () => {
    await using host = await open({ actors, services: createStage(), tasks });
    await thinker(host).think('kept');
    expect(await thinker(host).thoughts()).toEqual(['kept?', 'kept!']);
  });

  it.each([
    ['task', 'INTERNAL'],
    ['thread', 'UNAVAILABLE'],
    ['actor', 'REFUSED'],
  ] as const)(
    'a turn with offloaded work keeps guarantee 2: when the %s fails it changes nothing',
    async (how, code) => {
      const services = createStage();
      await using host = await open({ actors, services, tasks });
      await thinker(host).think('kept');
      expect(await codeOf(thinker(host).thinkAndFail(how))).toBe(code);
      await host.system.outboxIdle();
      expect(await thinker(host).thoughts()).toEqual(['kept?', 'kept!']);
      expect(await thinker(host, 'other').thoughts()).toEqual([]);
    },
  );
});

guarantee(7, 'deadlines shrink', (open) => {
  it('a deadline ends offloaded work, and its thread takes the next', async () => {
    const services = createStage();
    await using host = await open({ actors, services, tasks });
    const late = codeOf(host.ref<Thinker>('Thinker', 't').waitForEver('pool', { timeout: 10_000 }));
    await until(() => pool.metrics().running === 1, 'it runs in its thread');
    await host.clock.advance('10s');
    expect(await late).toBe('TIMEOUT');
    await until(() => services.log.length > 0, 'the turn was woken');
    expect(services.log).toEqual(['woken by TIMEOUT']);
    expect(await thinker(host).think('next')).toBe('next');
  });

  it('cancelled work that waits never reaches a session', async () => {
    const services = createStage();
    await using host = await open({ actors, services, tasks });
    await thinker(host).predict({ model: 'scale', inputs: { x: [1] } });
    const before = runs('scale');
    const busy = keepBusy();
    const abort = new AbortController();
    const call = codeOf(
      host.ref<Thinker>('Thinker', 't').waitForEver('model', { signal: abort.signal }),
    );
    await rounds(2);
    abort.abort();
    expect(await call).toBe('CANCELLED');
    await busy;
    expect(services.log).toEqual(['woken by CANCELLED']);
    expect(runs('scale')).toBe(before);
  });
});

everyRuntime('offloaded work', (open) => {
  it('of many actors goes to a model in one batch', async () => {
    await using host = await open({ actors, services: createStage(), tasks });
    const inputs = (value: number) => ({ model: 'scale', inputs: { x: [value] } });
    await Promise.all(Array.from({ length: 50 }, (_, at) => thinker(host, `t${at}`).thoughts()));
    const before = runs('scale');
    const busy = keepBusy();
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, at) => thinker(host, `t${at}`).predict(inputs(at))),
    );
    await busy;
    for (const [at, { outputs }] of answers.entries()) {
      expect(outputs['y']!.data).toEqual([at * 2]);
    }
    expect(runs('scale') - before).toBeLessThan(10);
  });

  it('is refused when the system runs no such task', async () => {
    await using host = await open({ actors, services: createStage(), tasks });
    const unknown = thinker(host).predict({ model: 'none', inputs: {} });
    expect(await codeOf(unknown)).toBe('NOT_FOUND');

    class Plain extends Actor {
      static readonly type = 'Plain';
      work = () => this.ctx.offload('echo', 1);
      async run(): Promise<unknown> {
        return this.work();
      }
    }
    await using without = await open({ actors: [Plain] });
    const error = await errorOf(without.ref<Plain>('Plain', 'p').run());
    expect(error).toMatchObject({
      code: 'UNSUPPORTED',
      message: expect.stringContaining('the system runs none; give it `tasks`'),
    });
  });

  it.each([
    [{ go: 'none' }, 'as offloaded to the task "none"; the system runs echo, wait, die, predict'],
    [{ run: 'echo' }, 'and has a method of the name'],
    [{ onTimer: 'echo' }, 'but that name is taken'],
    [{ toString: 'echo' }, 'but that name is taken'],
  ])('is checked when the actor is hosted: %o', async (offloaded, why) => {
    class Wrong extends Actor {
      static readonly type = 'Wrong';
      static readonly options = { offloaded };
      run(): void {}
    }
    const error = await errorOf(open({ actors: [Wrong], tasks }));
    expect(error).toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringContaining(why),
    });
  });
});
