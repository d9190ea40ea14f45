/** The two models that are measured, as the project ships them. */
import { join } from 'node:path';

export interface BareModel {
  readonly name: string;
  readonly title: string;
  readonly file: string;
  readonly input: string;
  readonly output: string;
  /** Shape of a row. */
  readonly row: readonly number[];
  /** Sizes among which the best batch is looked for. */
  readonly batches: readonly number[];
}

export const REPOSITORY = join(import.meta.dirname, '../../workers/models');
/** The other core is the main thread's, which also makes the load. */
export const WORKERS = 1;

const fileOf = (name: string): string => join(REPOSITORY, name, '1', 'model.onnx');

export const MODELS: Readonly<Record<string, BareModel>> = {
  demand: {
    name: 'demand',
    title: 'tabular model',
    file: fileOf('demand'),
    input: 'features',
    output: 'demand',
    row: [16],
    batches: [16, 64, 256, 1024],
  },
  digits: {
    name: 'digits',
    title: 'CNN',
    file: fileOf('digits'),
    input: 'image',
    output: 'probabilities',
    row: [3, 32, 32],
    batches: [1, 4, 8, 16, 32, 64],
  },
};

export function rowOf({ row }: BareModel): Float32Array {
  const size = row.reduce((product, one) => product * one, 1);
  return Float32Array.from({ length: size }, () => Math.random());
}
