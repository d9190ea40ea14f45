/**
 * What crosses between the model server and its threads. Tensors of a batch do
 * not cross at all: they lie in memory that both sides see.
 */

/** Types of tensor that are served, by ONNX Runtime's names. */
export const ELEMENTS = {
  float32: Float32Array,
  float64: Float64Array,
  int8: Int8Array,
  int16: Int16Array,
  int32: Int32Array,
  int64: BigInt64Array,
  uint8: Uint8Array,
  uint16: Uint16Array,
  uint32: Uint32Array,
  uint64: BigUint64Array,
  bool: Uint8Array,
} as const;

export type ElementType = keyof typeof ELEMENTS;

export type TensorData =
  | Float32Array
  | Float64Array
  | Int8Array
  | Int16Array
  | Int32Array
  | BigInt64Array
  | Uint8Array
  | Uint16Array
  | Uint32Array
  | BigUint64Array;

/** A tensor's elements over memory, or new ones. */
export function elementsOf(
  type: ElementType,
  source: number | SharedArrayBuffer | ArrayBuffer,
  offset = 0,
  length?: number,
): TensorData {
  const Elements = ELEMENTS[type] as unknown as new (
    memory: number | SharedArrayBuffer | ArrayBuffer,
    at?: number,
    count?: number,
  ) => TensorData;
  return typeof source === 'number' ? new Elements(source) : new Elements(source, offset, length);
}

export interface TensorSpec {
  readonly name: string;
  readonly type: ElementType;
  /** Whole shape; -1 is any size. The first is the batch where the model takes batches. */
  readonly shape: readonly number[];
}

/** What a model takes and gives, as its file says. */
export interface ModelSpec {
  readonly inputs: readonly TensorSpec[];
  readonly outputs: readonly TensorSpec[];
}

export interface WarmUp {
  readonly rows: number;
  /** `zero`, `random`, or values repeated until the tensor is full; by input, default zero. */
  readonly inputs: Readonly<Record<string, 'zero' | 'random' | readonly number[]>>;
}

export interface LoadInput {
  readonly key: string;
  /** The model's file. It is held in memory so that a thread that is replaced has the same model. */
  readonly bytes: SharedArrayBuffer;
  /** Rows of the largest batch; 0: the model takes no batches. */
  readonly maxBatchSize: number;
  readonly warmUp: readonly WarmUp[];
}

export interface LoadOutput extends ModelSpec {
  /** How long a run of so many rows took once it was warm. */
  readonly timings: readonly { readonly rows: number; readonly ms: number }[];
}

/** Values of a slab's state: who is first decides whether a batch that was handed over still runs. */
export const BATCH = { handed: 0, started: 1, revoked: 2 } as const;

/** What a thread answers for a batch that was revoked before it started. */
export const REVOKED = -1;

/** Memory of one model on one thread: a full batch of every input and output. */
export interface Slab {
  /** One 32-bit word of `BATCH`. */
  readonly state: SharedArrayBuffer;
  readonly inputs: readonly SharedArrayBuffer[];
  readonly outputs: readonly SharedArrayBuffer[];
}

export interface BindInput {
  readonly key: string;
  readonly spec: ModelSpec;
  /** Two, used in turn: one is filled or read here while the thread runs the other. */
  readonly slabs: readonly [Slab, Slab];
}

/** Which of the two slabs. */
export type Side = 0 | 1;

/** A tensor of a request to a model without batches. */
export interface LooseTensor {
  readonly name: string;
  readonly type: ElementType;
  readonly shape: readonly number[];
  readonly data: TensorData;
}

/** Tasks of a model server's thread; times in milliseconds. */
export interface InferenceTasks {
  load: { input: LoadInput; output: LoadOutput; progress: never };
  bind: { input: BindInput; output: undefined; progress: never };
  unload: { input: { key: string }; output: undefined; progress: never };
  /** Runs what lies in the slab; the time it took, or `REVOKED`. */
  batch: { input: { key: string; rows: number; side: Side }; output: number; progress: never };
  /** Runs one request of a model without batches. */
  single: {
    input: { key: string; inputs: readonly LooseTensor[] };
    output: { ms: number; outputs: readonly LooseTensor[] };
    progress: never;
  };
}

/** What a thread is started with: the models it has to have. */
export interface InferenceSetup {
  readonly models: readonly { readonly load: LoadInput; readonly bind?: BindInput }[];
}

export function isElementType(type: string): type is ElementType {
  return Object.hasOwn(ELEMENTS, type);
}

/** Elements of a shape; the sizes that are not fixed count as 1. */
export function sizeOf(shape: readonly number[]): number {
  let size = 1;
  for (const dimension of shape) size *= Math.max(dimension, 0) || (dimension === 0 ? 0 : 1);
  return size;
}
