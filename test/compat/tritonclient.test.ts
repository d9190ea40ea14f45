/** A client of the Open Inference Protocol that we did not write: NVIDIA's, for Triton. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { pythonWith } from '../../bench/harness/python.ts';
import { createSystem } from '../../runtime/index.ts';
import { createInference } from '../../workers/inference/inference.ts';
import { lookUpModel, makeRepository, scaleModel } from '../../workers/inference/onnx.fixture.ts';

const run = promisify(execFile);
const REQUIREMENTS = join(import.meta.dirname, 'tritonclient-requirements.txt');
const SCRIPT = join(import.meta.dirname, 'calls-by-tritonclient.py');

it('serves Triton’s client: health, metadata, JSON and binary tensors, repository', async () => {
  const interpreter = await pythonWith(REQUIREMENTS);
  await using repository = await makeRepository();
  await repository.put('scale', '1', scaleModel(1), 'maxBatchSize: 64\nversions: all\n');
  await repository.put('scale', '2', scaleModel(2));
  await repository.put('look-up', '1', lookUpModel(), 'maxBatchSize: 64\n');
  await using models = await createInference({ repository: repository.path, workers: 2 });
  await using system = await createSystem({ actors: [], models, http: { port: 0 } });

  const { stdout } = await run(interpreter, [SCRIPT, `127.0.0.1:${system.http!.port}`]);
  const twice = {
    id: 'r-1',
    version: '2',
    values: [
      [0, 2],
      [4, 6],
      [8, 10],
    ],
  };
  expect(JSON.parse(stdout)).toEqual({
    live: true,
    ready: true,
    modelReady: true,
    otherReady: false,
    server: 'troupe',
    metadata: {
      name: 'scale',
      versions: ['2', '1'],
      platform: 'onnxruntime_onnx',
      inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, 2] }],
      outputs: [{ name: 'y', datatype: 'FP32', shape: [-1, 2] }],
    },
    index: [
      { name: 'look-up', version: '1', state: 'READY', reason: '' },
      { name: 'scale', version: '2', state: 'READY', reason: '' },
      { name: 'scale', version: '1', state: 'READY', reason: '' },
    ],
    infer: [twice, twice, twice, twice],
    versioned: {
      id: 'r-1',
      version: '1',
      values: [
        [0, 1],
        [2, 3],
        [4, 5],
      ],
    },
    whole: [[[30]], [[40]]],
    async: 20,
    refused: {
      status: '400',
      message: 'model scale: a request of 100 rows is larger than its largest batch, 64',
    },
    unloaded: false,
    loaded: true,
    missing: { status: '404', message: 'the model repository has no model none' },
  });
});
