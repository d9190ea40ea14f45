/** The two models that are measured, as the project ships them. */
import { join } from 'node:path';
import { InferenceSession } from 'onnxruntime-node';
import { OWN_MODELS } from 'troupe/worker';

interface Known {
  readonly title: string;
  /** Sizes among which the best batch is looked for. */
  readonly batches: readonly number[];
}

export interface BareModel extends Known {
  readonly name: string;
  readonly file: string;
  readonly input: string;
  readonly output: string;
  /** Shape of a row. */
  readonly row: readonly number[];
}

/** The other core is the main thread's, which also makes the load. */
export const WORKERS = 1;

export const MODELS = {
  demand: { title: 'tabular model', batches: [16, 64, 256, 1024] },
  digits: { title: 'CNN', batches: [1, 4, 8, 16, 32, 64] },
} as const satisfies Record<string, Known>;

export type ModelName = keyof typeof MODELS;

/** With its names and shape, as its file has them. */
export async function readModel(name: ModelName): Promise<BareModel> {
  const file = join(OWN_MODELS, name, '1', 'model.onnx');
  const session = await InferenceSession.create(file);
  const [input] = session.inputMetadata;
  const [output] = session.outputNames;
  await session.release();
  if (!input?.isTensor || output === undefined) throw new Error(`${file} has no tensors`);
  const row = input.shape.slice(1).map(Number);
  return { ...MODELS[name], name, file, input: input.name, output, row };
}

export function rowOf({ row }: BareModel): Float32Array {
  const size = row.reduce((product, one) => product * one, 1);
  return Float32Array.from({ length: size }, () => Math.random());
}
