/** What may stand in a model's config, and how it is refused. */
import { describe, expect, it } from 'vitest';
import { readModelConfig } from './config.ts';

describe('the config of a model', () => {
  it('has defaults that batch nothing and delay nothing', () => {
    expect(readModelConfig('', 'm/config.yaml')).toEqual({
      maxBatchSize: 0,
      maxDelayMs: 0,
      queue: 10_000,
      priorities: { levels: 1, default: 1 },
      versions: { latest: 1 },
      nonFinite: 'refuse',
      warmUp: [{ rows: 1, inputs: {} }],
    });
  });

  it('takes every field', () => {
    const text = `
      maxBatchSize: 8
      maxDelayMs: 2
      queue: 100
      deadlineMs: 50
      priorities: { levels: 3, default: 2 }
      instances: 1
      versions: [1, 2]
      nonFinite: pass
      warmUp: [{ rows: 4, inputs: { x: random, y: [1, 2] } }]
    `;
    expect(readModelConfig(text, 'm/config.yaml')).toEqual({
      maxBatchSize: 8,
      maxDelayMs: 2,
      queue: 100,
      deadlineMs: 50,
      priorities: { levels: 3, default: 2 },
      instances: 1,
      versions: ['1', '2'],
      nonFinite: 'pass',
      warmUp: [{ rows: 4, inputs: { x: 'random', y: [1, 2] } }],
    });
  });

  it.each([
    ['- 1', 'the file must be a mapping'],
    ['maxBatchSize: [', 'm/config.yaml: '],
    ['maxbatchsize: 1', 'maxbatchsize is not known in the file; known: maxBatchSize'],
    ['maxBatchSize: -1', 'maxBatchSize must be a whole number from 0 to 65536'],
    ['maxDelayMs: 5ms', 'maxDelayMs must be a whole number from 0 to 60000'],
    ['priorities: {levels: 2, default: 3}', 'default must be a whole number from 1 to 2'],
    ['versions: newest', 'versions is all, a list of versions, or latest'],
    ['nonFinite: maybe', 'nonFinite is refuse or pass'],
    ['warmUp: []', 'warmUp is a list'],
    ['warmUp: [{rows: 2}]', 'rows must be a whole number from 1 to 1'],
    ['warmUp: [{inputs: {x: some}}]', 'warmUp[0].inputs.x is zero, random, or a list of numbers'],
  ])('refuses %s', (text, why) => {
    expect(() => readModelConfig(text, 'm/config.yaml')).toThrow(why);
  });
});
