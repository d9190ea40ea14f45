/** Models are swapped, unloaded and lose their threads while requests come. */
import { describe, expect, it, vi } from 'vitest';
import { createInference } from './inference.ts';
import { makeRepository, slowModel } from './onnx.fixture.ts';
import { ask, CONFIG, kill, putScale, watchThreads } from './swap.fixture.ts';

describe('swapping a model under load', () => {
  it('answers every request by a model that was loaded, and loses none', async () => {
    await using repository = await makeRepository();
    await putScale(repository, 1);
    await using models = await createInference({ repository: repository.path, workers: 2 });
    const loaded = new Set(['1']);
    const load = ask(models, loaded);
    for (let factor = 2; factor <= 12; factor++) {
      await putScale(repository, factor);
      loaded.add(String(factor));
      await models.load('scale');
      const { version } = await models.predict('scale', { x: Float32Array.of(1) });
      expect(version).toBe(String(factor));
      loaded.delete(String(factor - 2));
    }
    const { answered, refused, wrong } = await load.stop();
    expect({ wrong, refused: [...refused] }).toEqual({ wrong: 0, refused: [] });
    expect(answered).toBeGreaterThan(100);
  });

  it('lets requests finish on the model that they came for', async () => {
    await using repository = await makeRepository();
    await repository.put('slow', '1', slowModel(100), 'maxBatchSize: 1');
    await using models = await createInference({ repository: repository.path, workers: 1 });
    const x = new Float32Array(256);
    const before = Array.from({ length: 5 }, () => models.predict('slow', { x }));
    await repository.put('slow', '2', slowModel(1));
    await models.load('slow');
    const after = await models.predict('slow', { x });
    expect((await Promise.all(before)).map(({ version }) => version)).toEqual(Array(5).fill('1'));
    expect(after.version).toBe('2');
    // The sessions of the old one are gone with its last request.
    await vi.waitFor(() => expect(models.metrics()).not.toContain('version="1"'));
  });

  it('keeps the loaded model when the new one cannot be loaded, on every thread', async () => {
    await using repository = await makeRepository();
    await putScale(repository, 3);
    await using models = await createInference({ repository: repository.path, workers: 2 });
    await repository.put('scale', '4', Buffer.from('half a file'));
    await expect(models.load('scale')).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringContaining('model scale, version 4, cannot be loaded'),
    });
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => models.predict('scale', { x: Float32Array.of(2) })),
    );
    expect(answers.every(({ outputs }) => outputs['y']!.data[0] === 6)).toBe(true);
    expect(await models.index()).toEqual([
      { name: 'scale', version: '3', state: 'READY', reason: expect.stringContaining('version 4') },
    ]);
  });

  it('takes an unloaded model away, and brings it back', async () => {
    await using repository = await makeRepository();
    await putScale(repository, 2);
    await using models = await createInference({ repository: repository.path, workers: 1 });
    const last = models.predict('scale', { x: Float32Array.of(4) });
    await models.unload('scale');
    expect(models.isReady('scale')).toBe(false);
    await expect(models.predict('scale', { x: Float32Array.of(4) })).rejects.toMatchObject({
      code: 'NOT_FOUND',
    });
    expect((await last).outputs['y']!.data[0]).toBe(8);
    await expect(models.unload('scale')).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await models.load('scale');
    expect(models.isReady('scale', '2')).toBe(true);
  });
});

describe('a thread that is killed in mid-batch', () => {
  it('costs a typed error for what it had, and its successor has the models', async () => {
    using watched = watchThreads();
    await using repository = await makeRepository();
    await repository.put('slow', '1', slowModel(20), 'maxBatchSize: 2');
    await putScale(repository, 5);
    await using models = await createInference({ repository: repository.path, workers: 1 });
    const x = new Float32Array(256);
    const [thread] = watched.threads;
    const killed = kill(thread!);
    const outcomes = await Promise.allSettled(
      Array.from({ length: 6 }, () => models.predict('slow', { x })),
    );
    await killed;
    const lost = outcomes.filter(({ status }) => status === 'rejected');
    // One batch of two, whichever ran when it died; the successor has answered the others.
    expect(lost).toHaveLength(2);
    for (const { reason } of lost as PromiseRejectedResult[]) {
      expect(reason).toMatchObject({
        code: 'UNAVAILABLE',
        retryable: true,
        message: expect.stringContaining('model slow: a worker thread of the pool inference ended'),
      });
    }
    const { outputs } = await models.predict('scale', { x: Float32Array.of(1) });
    expect(outputs['y']!.data[0]).toBe(5);
    expect(models.metrics()).toContain('troupe_inference_thread_deaths 1');
  });

  it('has no part in wrong answers, however many are killed', async () => {
    using watched = watchThreads();
    await using repository = await makeRepository();
    await putScale(repository, 1);
    await using models = await createInference({ repository: repository.path, workers: 2 });
    const load = ask(models, new Set(['1', '2']));
    for (let round = 0; round < 3; round++) {
      const seen = load.tally.answered;
      await vi.waitFor(() => expect(load.tally.answered).toBeGreaterThan(seen));
      const killed = kill([...watched.threads][round % 2]!);
      if (round === 1) await putScale(repository, 2);
      // Loading reaches every thread, also one that has had no batch for a while.
      await models.load('scale').catch(() => models.load('scale'));
      await killed;
    }
    const { wrong, refused } = await load.stop();
    expect(wrong).toBe(0);
    expect([...refused.keys()].filter((code) => code !== 'UNAVAILABLE')).toEqual([]);
    expect((await models.predict('scale', { x: Float32Array.of(1) })).version).toBe('2');
  });
});

describe('a model server that closes', () => {
  it('lets the running batch end, refuses what waits, and everything after', async () => {
    await using repository = await makeRepository();
    await repository.put('slow', '1', slowModel(200), CONFIG.replace('32', '1'));
    const models = await createInference({ repository: repository.path, workers: 1 });
    const x = new Float32Array(256);
    const calls = Array.from({ length: 5 }, () => models.predict('slow', { x }));
    const settled = Promise.allSettled(calls);
    await calls[0];
    // Now the second runs, or is about to.
    await models.close();
    const outcomes = await settled;
    for (const outcome of outcomes.slice(2)) {
      expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'UNAVAILABLE' } });
    }
    await expect(models.predict('slow', { x })).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    await expect(models.load('slow')).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    await models.close();
  });

  it('does not open over a folder that is not there, or a model that does not load', async () => {
    await expect(createInference({ repository: '/no/such', workers: 1 })).rejects.toMatchObject({
      code: 'NOT_FOUND',
      message: 'there is no model repository /no/such',
    });
    await using repository = await makeRepository();
    await repository.put('bad', '1', Buffer.from('no'));
    const opening = createInference({ repository: repository.path, workers: 1 });
    await expect(opening).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  });
});
