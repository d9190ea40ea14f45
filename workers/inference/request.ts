/** What a caller asks of a model, checked against what the model takes, one request by itself. */
import { TroupeError } from '../../runtime/core/errors.ts';
import {
  ELEMENTS,
  sizeOf,
  type ElementType,
  type LooseTensor,
  type TensorData,
  type TensorSpec,
} from './messages.ts';

/** A tensor by name: its values, one row after the other, with or without their shape. */
export type TensorInput =
  | TensorData
  | { readonly data: TensorData; readonly shape?: readonly number[] };

export type Inputs = Readonly<Record<string, TensorInput>>;

export interface PredictOptions {
  /** Default: the newest version that is served. */
  readonly version?: string;
  /** A request that waits is given up at once, CANCELLED, and never reaches a session. */
  readonly signal?: AbortSignal;
  /**
   * Milliseconds since the epoch. Default: the config's `deadlineMs` from now.
   * The request is refused, OVERLOADED, when it cannot be met.
   */
  readonly deadline?: number;
  /** From 1, the most urgent. Default: by the config. */
  readonly priority?: number;
}

export interface OutputTensor {
  readonly type: ElementType;
  readonly shape: readonly number[];
  readonly data: TensorData;
}

export interface Prediction {
  readonly model: string;
  readonly version: string;
  readonly outputs: Readonly<Record<string, OutputTensor>>;
}

export interface CheckedInputs {
  /** Of the batch; 1 for a model without batches. */
  readonly rows: number;
  /** In the order of the model's inputs. */
  readonly data: readonly TensorData[];
  /** Only for a model without batches. */
  readonly shapes?: readonly (readonly number[])[];
}

export interface CheckRules {
  readonly model: string;
  readonly maxBatchSize: number;
  readonly nonFinite: 'refuse' | 'pass';
}

/** Elements of one tensor in a request without batches. */
const MOST_ELEMENTS = 2 ** 24;

function bad(model: string, what: string): TroupeError {
  return new TroupeError('INVALID_ARGUMENT', `model ${model}: ${what}`);
}

function wrongType(model: string, { name, type }: TensorSpec, data: unknown): TroupeError {
  const given = Object.prototype.toString.call(data).slice(8, -1);
  return bad(
    model,
    `input ${name} is ${type}, to be given as ${ELEMENTS[type].name}, not ${given}`,
  );
}

function isFinite(data: TensorData): boolean {
  for (let at = 0; at < data.length; at++) if (!Number.isFinite(data[at])) return false;
  return true;
}

function fits(shape: readonly number[], spec: readonly number[]): boolean {
  if (shape.length !== spec.length) return false;
  for (let at = 0; at < spec.length; at++) {
    const size = shape[at]!;
    if (!Number.isInteger(size) || size < 0 || (spec[at] !== -1 && spec[at] !== size)) return false;
  }
  return true;
}

/** `perRow` holds the elements of one row of each input. */
export function checkInputs(
  inputs: Inputs,
  specs: readonly TensorSpec[],
  perRow: readonly number[],
  { model, maxBatchSize, nonFinite }: CheckRules,
): CheckedInputs {
  const batched = maxBatchSize > 0;
  const data: TensorData[] = [];
  const shapes: (readonly number[])[] = [];
  let rows = batched ? 0 : 1;
  for (let at = 0; at < specs.length; at++) {
    const spec = specs[at]!;
    const { name, type } = spec;
    const given = inputs[name];
    if (given === undefined) {
      const known = specs.map((one) => one.name).join(', ');
      throw bad(model, `input ${name} is missing; it takes ${known}`);
    }
    const isBare = ArrayBuffer.isView(given);
    const values = isBare ? given : given.data;
    if (!(values instanceof ELEMENTS[type])) throw wrongType(model, spec, values);
    const shape = isBare ? undefined : given.shape;
    if (shape && !fits(shape, spec.shape)) {
      throw bad(model, `input ${name} has shape [${shape.join()}], not [${spec.shape.join()}]`);
    }
    if (batched) {
      const count = values.length / perRow[at]!;
      if (!Number.isInteger(count) || count === 0 || (shape && shape[0] !== count)) {
        const want = `rows of ${perRow[at]!}`;
        throw bad(model, `input ${name} has ${values.length} values, which are not ${want}`);
      }
      if (rows !== 0 && rows !== count) {
        throw bad(model, `input ${name} has ${count} rows, the ones before it ${rows}`);
      }
      rows = count;
    } else {
      const sizes = shape ?? (sizeOf(spec.shape) === values.length ? spec.shape : [values.length]);
      if (!fits(sizes, spec.shape) || sizeOf(sizes) !== values.length) {
        const text = `input ${name} has ${values.length} values for the shape [${sizes.join()}] of [${spec.shape.join()}]`;
        throw bad(model, text);
      }
      if (values.length > MOST_ELEMENTS) {
        throw bad(model, `input ${name} has more than ${MOST_ELEMENTS} values`);
      }
      shapes.push(sizes);
    }
    if (nonFinite === 'refuse' && type.startsWith('float') && !isFinite(values)) {
      throw bad(model, `input ${name} has a value that is NaN or infinite`);
    }
    data.push(values);
  }
  for (const name in inputs) {
    if (!specs.some((spec) => spec.name === name)) {
      throw bad(model, `has no input ${name}; it takes ${specs.map((one) => one.name).join(', ')}`);
    }
  }
  if (batched && rows > maxBatchSize) {
    throw bad(model, `a request of ${rows} rows is larger than its largest batch, ${maxBatchSize}`);
  }
  return batched ? { rows, data } : { rows, data, shapes };
}

export function looseTensors(
  specs: readonly TensorSpec[],
  { data, shapes }: CheckedInputs,
): LooseTensor[] {
  return specs.map(({ name, type }, at) => ({
    name,
    type,
    shape: shapes![at]!,
    data: data[at]!,
  }));
}
