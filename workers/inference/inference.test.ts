/** Requests are batched, answered each with its own rows, and refused one by one. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createInference, type Inference } from './inference.ts';
import {
  doubleModel,
  lookUpModel,
  makeRepository,
  scaleModel,
  slowModel,
  textModel,
  type TestRepository,
} from './onnx.fixture.ts';

let repository: TestRepository;
let models: Inference;

const SLOW_WIDTH = 256;
const slow = () => ({ x: new Float32Array(SLOW_WIDTH).fill(1) });

beforeAll(async () => {
  repository = await makeRepository();
  await repository.put('scale', '1', scaleModel(1), 'maxBatchSize: 64\nversions: all\n');
  await repository.put('scale', '2', scaleModel(2));
  await repository.put('scale', '10', scaleModel(10));
  await repository.put('look-up', '1', lookUpModel(), 'maxBatchSize: 8\n');
  await repository.put(
    'slow',
    '1',
    slowModel(400, SLOW_WIDTH),
    'maxBatchSize: 1\nqueue: 6\npriorities: {levels: 3, default: 2}\n',
  );
  await repository.put('double', '1', doubleModel());
  models = await createInference({ repository: repository.path, workers: 1 });
});

afterAll(async () => {
  await models.close();
  await repository[Symbol.asyncDispose]();
});

/** The value of a counter of a model. */
function counted(name: string, model: string, reason = ''): number {
  const line = models
    .metrics()
    .split('\n')
    .find((one) => one.startsWith(`${name}{model="${model}"`) && one.includes(reason));
  return Number(line?.split(' ').at(-1));
}

/** Holds the thread; the requests that follow wait for it. */
function hold() {
  const held = models.predict('slow', slow());
  return held.then(() => undefined);
}

describe('a model server', () => {
  it('gives every request its own rows, batched together', async () => {
    const before = counted('nv_inference_exec_count', 'scale",version="10');
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, at) =>
        models.predict('scale', { x: Float32Array.of(at, -at, at + 0.5, 7) }),
      ),
    );
    for (const [at, { model, version, outputs }] of answers.entries()) {
      expect({ model, version }).toEqual({ model: 'scale', version: '10' });
      expect(outputs['y']!.shape).toEqual([2, 2]);
      expect([...outputs['y']!.data]).toEqual([at * 10, at * -10, at * 10 + 5, 70]);
    }
    // 200 rows in batches of at most 64.
    const batches = counted('nv_inference_exec_count', 'scale",version="10') - before;
    expect(batches).toBeGreaterThanOrEqual(4);
    expect(batches).toBeLessThanOrEqual(8);
  });

  it('serves the newest version, by number, or the one that is asked for', async () => {
    const x = Float32Array.of(1, 1);
    expect((await models.predict('scale', { x })).version).toBe('10');
    const second = await models.predict('scale', { x }, { version: '2' });
    expect(second.version).toBe('2');
    expect([...second.outputs['y']!.data]).toEqual([2, 2]);
    expect(models.model('scale').versions).toEqual(['10', '2', '1']);
  });

  it('names what is loaded when a model or a version is not', async () => {
    const x = Float32Array.of(1, 1);
    await expect(models.predict('scael', { x })).rejects.toMatchObject({
      code: 'NOT_FOUND',
      message: expect.stringContaining('no model scael is loaded; loaded are double, look-up'),
    });
    await expect(models.predict('scale', { x }, { version: '3' })).rejects.toMatchObject({
      code: 'NOT_FOUND',
      message: expect.stringContaining('served are 10, 2, 1'),
    });
  });

  it('runs a model without batches in the shape that is given', async () => {
    const x = { data: Float32Array.of(1, 2, 3, 4, 5, 6), shape: [2, 3] };
    const { outputs } = await models.predict('double', { x });
    expect(outputs['y']).toMatchObject({ type: 'float32', shape: [2, 3] });
    expect([...outputs['y']!.data]).toEqual([2, 4, 6, 8, 10, 12]);
  });

  it('counts as Triton does: requests, rows and runs apart', async () => {
    const names = ['nv_inference_request_success', 'nv_inference_count', 'nv_inference_exec_count'];
    const before = names.map((name) => counted(name, 'look-up'));
    const held = hold();
    const index = BigInt64Array.of(1n, 2n, 3n);
    await Promise.all([held, ...[1, 2].map(() => models.predict('look-up', { index }))]);
    const after = names.map((name) => counted(name, 'look-up'));
    expect(after.map((value, at) => value - before[at]!)).toEqual([2, 6, 1]);
  });
});

describe('a poisoned request', () => {
  const good = () => models.predict('look-up', { index: BigInt64Array.of(4n) });

  it.each([
    ['a missing input', {}, 'input x is missing; it takes x'],
    ['an unknown input', { x: Float32Array.of(1, 1), z: Float32Array.of(1) }, 'has no input z'],
    ['the wrong type', { x: Float64Array.of(1, 1) }, 'x is float32, to be given as Float32Array'],
    ['half a row', { x: Float32Array.of(1, 2, 3) }, 'has 3 values, which are not rows of 2'],
    ['no row', { x: new Float32Array(0) }, 'has 0 values'],
    ['the wrong shape', { x: { data: Float32Array.of(1, 2), shape: [2, 1] } }, 'shape [2,1]'],
    [
      'a shape of other rows',
      { x: { data: Float32Array.of(1, 2), shape: [2, 2] } },
      'has 2 values',
    ],
    ['NaN', { x: Float32Array.of(1, Number.NaN) }, 'NaN or infinite'],
    ['an infinity', { x: Float32Array.of(1, Infinity) }, 'NaN or infinite'],
    ['a huge batch', { x: new Float32Array(130) }, '65 rows is larger than its largest batch, 64'],
  ])('with %s is refused by itself', async (_, inputs, why) => {
    const ok = models.predict('scale', { x: Float32Array.of(3, 4) });
    await expect(models.predict('scale', inputs as never)).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringContaining(why),
    });
    expect([...(await ok).outputs['y']!.data]).toEqual([30, 40]);
  });

  it('that fails in the session fails alone, not the batch that it was in', async () => {
    const held = hold();
    const bad = models.predict('look-up', { index: BigInt64Array.of(99n) });
    const outcomes = await Promise.allSettled([good(), bad, good(), held]);
    expect(outcomes.map(({ status }) => status)).toEqual([
      'fulfilled',
      'rejected',
      'fulfilled',
      'fulfilled',
    ]);
    await expect(bad).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringContaining('model look-up failed on this'),
    });
    expect([...(await good()).outputs['y']!.data]).toEqual([40]);
  });
});

describe('a request that waits', () => {
  it('never reaches a session when it is cancelled', async () => {
    const before = counted('nv_inference_exec_count', 'scale",version="1"');
    const held = hold();
    const abort = new AbortController();
    const options = { signal: abort.signal, version: '1' };
    const call = models.predict('scale', { x: Float32Array.of(1, 1) }, options);
    abort.abort();
    await expect(call).rejects.toMatchObject({ code: 'CANCELLED' });
    await held;
    await models.predict('slow', slow());
    expect(counted('nv_inference_exec_count', 'scale",version="1"')).toBe(before);
  });

  it('is taken back from a thread that has not started it, and the others of its batch are answered', async () => {
    await using own = await createInference({
      repository: repository.path,
      workers: 1,
      models: ['look-up', 'slow'],
    });
    const held = own.predict('slow', slow());
    await Promise.resolve();
    const abort = new AbortController();
    const { signal } = abort;
    // A full batch, so that it is handed over behind the one that runs.
    const calls = Array.from({ length: 8 }, (_, at) =>
      own.predict('look-up', { index: BigInt64Array.of(BigInt(at)) }, at === 3 ? { signal } : {}),
    );
    const settled = Promise.allSettled(calls);
    await Promise.resolve();
    abort.abort();
    await expect(calls[3]).rejects.toMatchObject({ code: 'CANCELLED' });
    await held;
    const answers = (await settled).map((outcome) =>
      outcome.status === 'fulfilled' ? outcome.value.outputs['y']!.data[0] : 'cancelled',
    );
    expect(answers).toEqual([0, 10, 20, 'cancelled', 40, 50, 60, 70]);
    expect(own.metrics()).toContain('nv_inference_count{model="look-up",version="1"} 7');
  });

  it('never reaches a session when its deadline passes', async () => {
    const before = counted('nv_inference_exec_count', 'scale",version="1"');
    const x = Float32Array.of(1, 1);
    const call = models.predict('scale', { x }, { version: '1', deadline: Date.now() + 40 });
    // This program is busy for longer than that before the request can leave.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50);
    await expect(call).rejects.toMatchObject({ code: 'TIMEOUT' });
    expect(counted('nv_inference_exec_count', 'scale",version="1"')).toBe(before);
  });

  it('is refused at once when its deadline cannot be met, and told when to come back', async () => {
    await models.predict('slow', slow());
    const held = Array.from({ length: 4 }, () => models.predict('slow', slow()));
    const call = models.predict('slow', slow(), { deadline: Date.now() + 4 });
    await expect(call).rejects.toMatchObject({
      code: 'OVERLOADED',
      retryable: true,
      details: { retryAfterMs: expect.any(Number) },
    });
    await Promise.all(held);
  });

  it('finds no room when the queue is full', async () => {
    const held = Array.from({ length: 6 }, () => models.predict('slow', slow()));
    await expect(models.predict('slow', slow())).rejects.toMatchObject({
      code: 'OVERLOADED',
      message: expect.stringContaining('6 rows wait for model slow already, of 6 at most'),
    });
    await Promise.all(held);
  });

  it('goes before those of a lower priority', async () => {
    const order: string[] = [];
    const ask = async (name: string, priority?: number) => {
      await models.predict('slow', slow(), priority === undefined ? {} : { priority });
      order.push(name);
    };
    await Promise.all([ask('low', 3), ask('middle'), ask('high', 1), ask('middle too')]);
    expect(order).toEqual(['high', 'middle', 'middle too', 'low']);
    await expect(ask('none', 4)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  });
});

describe('a model that cannot be served', () => {
  it.each([
    ['of text', textModel(), '', 'UNSUPPORTED', 'x is of type string'],
    [
      'whose sizes are free in a batch',
      doubleModel(),
      'maxBatchSize: 4',
      'UNSUPPORTED',
      'set maxBatchSize: 0',
    ],
    ['that is no model', Buffer.from('not a model'), '', 'INVALID_ARGUMENT', 'cannot be loaded'],
    [
      'with a mistyped config',
      scaleModel(1),
      'maxBatch: 4',
      'INVALID_ARGUMENT',
      'maxBatch is not known',
    ],
  ])('because it is one %s says so', async (_, bytes, config, code, why) => {
    await repository.put('broken', '1', bytes, config);
    await expect(models.load('broken')).rejects.toMatchObject({
      code,
      message: expect.stringContaining(why),
    });
    const index = await models.index();
    expect(index.find(({ name }) => name === 'broken')).toMatchObject({
      state: 'UNAVAILABLE',
      reason: expect.stringContaining(why),
    });
  });
});
