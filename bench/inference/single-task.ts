/** What a user writes to run a model in piscina: one request a call, in a session of the thread's own. */
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { workerData } from 'node:worker_threads';
import type { BareModel } from './models.ts';

const { file, input, output, row } = workerData as BareModel;
const session = await InferenceSession.create(file, {
  intraOpNumThreads: 1,
  interOpNumThreads: 1,
  extra: { session: { intra_op: { allow_spinning: '0' } } },
});

export async function infer(values: Float32Array): Promise<Float32Array> {
  const results = await session.run({ [input]: new Tensor('float32', values, [1, ...row]) });
  return results[output]!.data as Float32Array;
}

/** Runs batches of so many rows for so long, one after the other; rows a second. */
export async function limit({ rows, ms }: { rows: number; ms: number }): Promise<number> {
  const size = row.reduce((product, one) => product * one, rows);
  const values = Float32Array.from({ length: size }, () => Math.random());
  const feeds = { [input]: new Tensor('float32', values, [rows, ...row]) };
  await session.run(feeds);
  const began = performance.now();
  let done = 0;
  while (performance.now() - began < ms) {
    await session.run(feeds);
    done += rows;
  }
  return (done / (performance.now() - began)) * 1000;
}
