/**
 * The thread of a model server: sessions by key, each with one thread of its
 * own making, the one that it blocks. A batch is read from and written to the
 * slab; the tensors over it are made once for each number of rows.
 */
import { InferenceSession, Tensor } from 'onnxruntime-node';
import {
  BATCH,
  ELEMENTS,
  elementsOf,
  isElementType,
  sizeOf,
  type BindInput,
  type ElementType,
  type InferenceSetup,
  type InferenceTasks,
  type LoadInput,
  type LoadOutput,
  type LooseTensor,
  type Side,
  REVOKED,
  type TensorData,
  type TensorSpec,
} from '../inference/messages.ts';
import type { ThreadContext } from '../protocol.ts';

interface Tensors {
  readonly feeds: Record<string, Tensor>;
  readonly fetches: Record<string, Tensor>;
}

interface Loaded {
  readonly session: InferenceSession;
  bound?: BindInput;
  /** The states of the slabs, by side. */
  states?: readonly [Int32Array, Int32Array];
  /** By side and number of rows. */
  readonly tensors: readonly [Map<number, Tensors>, Map<number, Tensors>];
}

const models = new Map<string, Loaded>();
/** What was asked for last; settles when it is over, never rejects. */
let last: Promise<unknown> = Promise.resolve();
const nothing = (): void => {};

/** One after the other: until its turn comes, a batch may be taken back. */
function inTurn<Result>(run: () => Promise<Result>): Promise<Result> {
  const result = last.then(run);
  last = result.then(nothing, nothing);
  return result;
}

async function batch({ key, rows, side }: InferenceTasks['batch']['input']): Promise<number> {
  const model = loaded(key);
  const before = Atomics.compareExchange(model.states![side], 0, BATCH.handed, BATCH.started);
  if (before !== BATCH.handed) return REVOKED;
  const { feeds, fetches } = tensorsFor(model, side, rows);
  const began = performance.now();
  await model.session.run(feeds, fetches);
  return performance.now() - began;
}

async function single(
  { key, inputs }: InferenceTasks['single']['input'],
  context: ThreadContext<never>,
): Promise<InferenceTasks['single']['output']> {
  const { session } = loaded(key);
  const feeds = Object.fromEntries(
    inputs.map(({ name, type, shape, data }) => [name, tensorOver(type, data, shape)]),
  );
  const began = performance.now();
  const results = await session.run(feeds);
  const ms = performance.now() - began;
  const outputs = Object.entries(results).map(([name, { type, dims, data }]): LooseTensor => {
    // The runtime owns the memory of its results; a copy can be moved.
    const copy = (data as Float32Array<ArrayBuffer>).slice();
    context.transfer(copy.buffer);
    return { name, type: type as ElementType, shape: dims, data: copy };
  });
  return { ms, outputs };
}

const OPTIONS = {
  intraOpNumThreads: 1,
  interOpNumThreads: 1,
  executionMode: 'sequential',
  // What fails is answered with its reason.
  logSeverityLevel: 4,
  extra: { session: { intra_op: { allow_spinning: '0' }, inter_op: { allow_spinning: '0' } } },
} as const satisfies InferenceSession.SessionOptions;

function refuse(code: string, message: string): Error {
  return Object.assign(new Error(message), { code });
}

function specOf(metadata: InferenceSession.ValueMetadata): TensorSpec {
  const { name } = metadata;
  if (!metadata.isTensor) {
    throw refuse('UNSUPPORTED', `${name} is no tensor; export the model without ZipMap`);
  }
  if (!isElementType(metadata.type)) {
    const known = Object.keys(ELEMENTS).join(', ');
    throw refuse('UNSUPPORTED', `${name} is of type ${metadata.type}; served are ${known}`);
  }
  const shape = metadata.shape.map((size) => (typeof size === 'number' ? size : -1));
  return { name, type: metadata.type, shape };
}

function tensorOver(type: ElementType, data: TensorData, shape: readonly number[]): Tensor {
  return new Tensor(type, data as never, shape as number[]);
}

function fillOf(fill: LoadInput['warmUp'][number]['inputs'][string], index: number): number {
  if (fill === 'zero') return 0;
  if (fill === 'random') return Math.random();
  return fill[index % fill.length] ?? 0;
}

/** Runs the warm-up inputs; gives the shapes that came out, and how long it took once warm. */
async function warmUp(session: InferenceSession, inputs: readonly TensorSpec[], load: LoadInput) {
  const runs: { rows: number; ms: number; outputs: Map<string, readonly number[]> }[] = [];
  for (const { rows, inputs: fills } of load.warmUp) {
    const feeds: Record<string, Tensor> = {};
    for (const { name, type, shape } of inputs) {
      const sizes = shape.map((size, at) => {
        if (at === 0 && load.maxBatchSize > 0) return rows;
        return size === -1 ? 1 : size;
      });
      const data = elementsOf(type, sizeOf(sizes));
      const fill = fills[name] ?? 'zero';
      for (let at = 0; at < data.length; at++) {
        const value = fillOf(fill, at);
        data[at] = typeof data[0] === 'bigint' ? BigInt(Math.trunc(value)) : value;
      }
      feeds[name] = tensorOver(type, data, sizes);
    }
    await session.run(feeds);
    const began = performance.now();
    const results = await session.run(feeds);
    const ms = performance.now() - began;
    const outputs = Object.entries(results).map(([name, { dims }]) => [name, dims] as const);
    runs.push({ rows, ms, outputs: new Map(outputs) });
  }
  return runs;
}

/** A batch needs every tensor to be rows of one known size. */
function batchedOutputs(
  outputs: readonly TensorSpec[],
  runs: Awaited<ReturnType<typeof warmUp>>,
): TensorSpec[] {
  return outputs.map((output) => {
    const [first] = runs;
    const row = first!.outputs.get(output.name)!.slice(1);
    for (const { rows, outputs: seen } of runs) {
      const shape = seen.get(output.name)!;
      if (shape[0] !== rows || shape.slice(1).join() !== row.join()) {
        const text = `${output.name} came out as [${shape.join()}] for ${rows} rows, which is no batch; set maxBatchSize: 0`;
        throw refuse('UNSUPPORTED', text);
      }
    }
    return { ...output, shape: [-1, ...row] };
  });
}

async function load(input: LoadInput): Promise<LoadOutput> {
  const bytes = new Uint8Array(input.bytes.byteLength);
  bytes.set(new Uint8Array(input.bytes));
  const session = await InferenceSession.create(bytes, OPTIONS);
  try {
    const inputs = session.inputMetadata.map(specOf);
    const outputs = session.outputMetadata.map(specOf);
    if (input.maxBatchSize > 0) {
      for (const { name, shape } of inputs) {
        if (shape[0] !== -1 || shape.indexOf(-1, 1) !== -1) {
          const text = `${name} is [${shape.join()}]; batches need a free first size and fixed others; set maxBatchSize: 0`;
          throw refuse('UNSUPPORTED', text);
        }
      }
    }
    const runs = await warmUp(session, inputs, input);
    const spec = {
      inputs,
      outputs: input.maxBatchSize > 0 ? batchedOutputs(outputs, runs) : outputs,
      timings: runs.map(({ rows, ms }) => ({ rows, ms })),
    };
    models.set(input.key, { session, tensors: [new Map(), new Map()] });
    return spec;
  } catch (error) {
    await session.release();
    throw error;
  }
}

function loaded(key: string): Loaded {
  const model = models.get(key);
  if (!model) throw refuse('UNAVAILABLE', `the thread has no session of ${key}`);
  return model;
}

function tensorsFor(model: Loaded, side: Side, rows: number): Tensors {
  let tensors = model.tensors[side].get(rows);
  if (!tensors) {
    const { spec, slabs } = model.bound!;
    const slab = slabs[side];
    const over = (specs: readonly TensorSpec[], memory: readonly SharedArrayBuffer[]) =>
      Object.fromEntries(
        specs.map(({ name, type, shape }, at) => {
          const sizes = [rows, ...shape.slice(1)];
          return [name, tensorOver(type, elementsOf(type, memory[at]!, 0, sizeOf(sizes)), sizes)];
        }),
      );
    tensors = { feeds: over(spec.inputs, slab.inputs), fetches: over(spec.outputs, slab.outputs) };
    model.tensors[side].set(rows, tensors);
  }
  return tensors;
}

async function unload(key: string): Promise<void> {
  const model = models.get(key);
  models.delete(key);
  await model?.session.release();
}

export const tasks = {
  load,
  bind(bind: BindInput): void {
    const model = loaded(bind.key);
    const [first, second] = bind.slabs;
    model.bound = bind;
    model.states = [new Int32Array(first.state), new Int32Array(second.state)];
  },
  unload: ({ key }: { key: string }) => unload(key),
  batch: (input: InferenceTasks['batch']['input']) => inTurn(() => batch(input)),
  single: (input: InferenceTasks['single']['input'], context: ThreadContext<never>) =>
    inTurn(() => single(input, context)),
};

export async function warm(setup: unknown): Promise<void> {
  for (const { load: input, bind } of (setup as InferenceSetup).models) {
    await load(input);
    if (bind) tasks.bind(bind);
  }
}
