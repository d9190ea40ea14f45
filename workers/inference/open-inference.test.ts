/** The Open Inference Protocol over HTTP: JSON and binary tensors, the repository, and what is refused. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createSystem, type System } from '../../runtime/index.ts';
import { createInference, type Inference } from './inference.ts';
import { lookUpModel, makeRepository, scaleModel, type TestRepository } from './onnx.fixture.ts';

let repository: TestRepository;
let models: Inference;
let system: System;
let base: string;

beforeAll(async () => {
  repository = await makeRepository();
  const config = 'maxBatchSize: 16\nversions: all\npriorities: {levels: 2}\n';
  await repository.put('scale', '1', scaleModel(1), config);
  await repository.put('scale', '3', scaleModel(3));
  await repository.put('look-up', '1', lookUpModel(), 'maxBatchSize: 4\n');
  models = await createInference({ repository: repository.path, workers: 1 });
  system = await createSystem({ actors: [], models, http: { port: 0 } });
  base = `http://127.0.0.1:${system.http!.port}`;
});

afterAll(async () => {
  await system.close();
  await models.close();
  await repository[Symbol.asyncDispose]();
});

async function get(path: string) {
  const response = await fetch(`${base}/${path}`);
  const text = await response.text();
  return { status: response.status, body: text === '' ? undefined : JSON.parse(text) };
}

async function post(path: string, body?: unknown) {
  const response = await fetch(`${base}/${path}`, {
    method: 'POST',
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    body: text === '' ? undefined : JSON.parse(text),
  };
}

const x = (data: unknown, shape = [1, 2], datatype = 'FP32') => ({
  inputs: [{ name: 'x', shape, datatype, data }],
});

describe('the open inference protocol', () => {
  it('tells health and what the server and its models are', async () => {
    expect((await get('v2/health/live')).status).toBe(200);
    expect((await get('v2/health/ready')).status).toBe(200);
    expect((await get('v2')).body).toMatchObject({
      name: 'troupe',
      extensions: expect.arrayContaining(['binary_tensor_data', 'model_repository']),
    });
    expect((await get('v2/models/scale')).body).toEqual({
      name: 'scale',
      versions: ['3', '1'],
      platform: 'onnxruntime_onnx',
      inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, 2] }],
      outputs: [{ name: 'y', datatype: 'FP32', shape: [-1, 2] }],
    });
    expect((await get('v2/models/scale/versions/1/ready')).status).toBe(200);
    expect((await get('v2/models/scale/versions/2/ready')).status).toBe(400);
    expect((await get('v2/models/other/ready')).status).toBe(400);
    expect(await get('v2/models/other')).toMatchObject({
      status: 404,
      body: { error: expect.stringContaining('no model other is loaded') },
    });
  });

  it('infers from nested and flat JSON, by the newest version or by one', async () => {
    const nested = await post('v2/models/scale/infer', {
      id: 'a1',
      ...x(
        [
          [1, 2],
          [3, 4],
        ],
        [2, 2],
      ),
    });
    expect(nested.body).toEqual({
      model_name: 'scale',
      model_version: '3',
      id: 'a1',
      outputs: [{ name: 'y', datatype: 'FP32', shape: [2, 2], data: [3, 6, 9, 12] }],
    });
    const flat = await post('v2/models/scale/versions/1/infer', x([1, 2]));
    expect(flat.body.outputs[0].data).toEqual([1, 2]);
    const whole = { inputs: [{ name: 'index', shape: [2, 1], datatype: 'INT64', data: [3, 4] }] };
    expect((await post('v2/models/look-up/infer', whole)).body.outputs[0].data).toEqual([30, 40]);
  });

  it('takes and gives tensors in binary', async () => {
    const values = Float32Array.of(1.5, -2, 0.25, 8);
    const parameters = { binary_data_size: values.byteLength };
    const head = JSON.stringify({
      inputs: [{ name: 'x', shape: [2, 2], datatype: 'FP32', parameters }],
      outputs: [{ name: 'y', parameters: { binary_data: true } }],
    });
    const response = await fetch(`${base}/v2/models/scale/infer`, {
      method: 'POST',
      headers: { 'inference-header-content-length': String(Buffer.byteLength(head)) },
      body: Buffer.concat([Buffer.from(head), new Uint8Array(values.buffer)]),
    });
    const bytes = Buffer.from(await response.arrayBuffer());
    const length = Number(response.headers.get('inference-header-content-length'));
    const answer = JSON.parse(bytes.subarray(0, length).toString());
    expect(answer.outputs).toEqual([
      { name: 'y', datatype: 'FP32', shape: [2, 2], parameters: { binary_data_size: 16 } },
    ]);
    const tail = new Uint8Array(bytes.subarray(length));
    expect([...new Float32Array(tail.buffer)]).toEqual([4.5, -6, 0.75, 24]);
  });

  it.each([
    ['no object', 'x', 400, 'must be an object'],
    ['no inputs', {}, 400, 'inputs must be a list'],
    ['text', x(['a', 'b'], [1, 2], 'BYTES'), 501, 'is of datatype BYTES; taken are BOOL'],
    ['values of another type', x(['1', '2']), 400, 'has a value that is no float32'],
    ['too few values', x([1]), 400, 'has 1 values, fewer than its shape'],
    ['too many values', x([1, 2, 3]), 400, 'more values than its shape'],
    ['a shape that is larger than the body', x([1], [9e9, 2]), 400, 'more values than were sent'],
    ['a negative shape', x([1], [-1, 2]), 400, 'has no shape'],
    ['another output', { ...x([1, 2]), outputs: [{ name: 'z' }] }, 400, 'has no output z'],
    ['an unknown parameter', { ...x([1, 2]), parameters: { sequence_id: 1 } }, 501, 'sequence_id'],
    [
      'a priority that it has not',
      { ...x([1, 2]), parameters: { priority: 9 } },
      400,
      'priorities 1 to 2',
    ],
  ])('refuses a request with %s', async (_, request, status, why) => {
    const answer = await post('v2/models/scale/infer', request);
    expect(answer).toMatchObject({ status, body: { error: expect.stringContaining(why) } });
    const good = await post('v2/models/scale/infer', { ...x([1, 2]), parameters: { priority: 1 } });
    expect(good.status).toBe(200);
  });

  it('refuses what cannot be answered in time, and says when to come back', async () => {
    const late = await post('v2/models/scale/infer', {
      ...x([1, 2]),
      parameters: { timeout: 0.001 },
    });
    expect([429, 504]).toContain(late.status);
    const loaded = await post('v2/models/scale/infer', {
      ...x([1, 2]),
      parameters: { timeout: 1e7 },
    });
    expect(loaded.status).toBe(200);
  });

  it('lists, unloads and loads models of the repository', async () => {
    expect((await post('v2/repository/index')).body).toEqual([
      { name: 'look-up', version: '1', state: 'READY', reason: '' },
      { name: 'scale', version: '3', state: 'READY', reason: '' },
      { name: 'scale', version: '1', state: 'READY', reason: '' },
    ]);
    expect((await post('v2/repository/models/look-up/unload', {})).status).toBe(200);
    expect((await get('v2/models/look-up/ready')).status).toBe(400);
    expect((await post('v2/repository/index', { ready: true })).body).toHaveLength(2);
    expect((await post('v2/repository/models/look-up/load')).status).toBe(200);
    expect((await get('v2/models/look-up/ready')).status).toBe(200);
    expect(await post('v2/repository/models/none/load')).toMatchObject({
      status: 404,
      body: { error: 'the model repository has no model none' },
    });
    const override = { parameters: { config: '{}' } };
    expect((await post('v2/repository/models/scale/load', override)).status).toBe(501);
  });

  it('shows its counters to Prometheus', async () => {
    const response = await fetch(`${base}/v2/metrics`);
    const text = await response.text();
    expect(response.headers.get('content-type')).toContain('text/plain; version=0.0.4');
    expect(text).toMatch(/^nv_inference_request_success\{model="scale",version="3"\} [1-9]\d*$/m);
    expect(text).toContain('# TYPE nv_inference_pending_request_count gauge');
  });
});
