/**
 * One version of a model as it is served: its queue, its memory on every
 * thread that has a session, and the way of a request in and of an answer out.
 */
import { TroupeError } from '../../runtime/core/errors.ts';
import type { ModelConfig } from './config.ts';
import { createEstimate } from './estimate.ts';
import {
  BATCH,
  ELEMENTS,
  elementsOf,
  sizeOf,
  type ModelSpec,
  type Side,
  type Slab,
  type TensorData,
} from './messages.ts';
import { createModelCounters, type FailureReason } from './metrics.ts';
import { RequestQueue, type Waiting } from './queue.ts';
import type { CheckRules, OutputTensor } from './request.ts';

interface Views {
  readonly state: Int32Array;
  readonly inputs: readonly TensorData[];
  readonly outputs: readonly TensorData[];
}

/** Memory of a model on one thread, and which side is filled next. */
interface Place {
  readonly views: readonly [Views, Views];
  side: Side;
}

export interface ServedOptions {
  readonly name: string;
  readonly version: string;
  /** Unique over versions and loads. */
  readonly key: string;
  readonly config: ModelConfig;
  readonly spec: ModelSpec;
}

/** Bytes of the slabs of one model on one thread. */
const MOST_SLAB_BYTES = 2 ** 29;

export class Served {
  readonly name: string;
  readonly version: string;
  readonly key: string;
  readonly config: ModelConfig;
  readonly spec: ModelSpec;
  readonly rules: CheckRules;
  /** Elements of a row of each input. */
  readonly inputRow: readonly number[];
  readonly queue: RequestQueue;
  readonly estimate = createEstimate();
  readonly counters = createModelCounters();
  /** By the number of the thread. */
  readonly places = new Map<number, Place>();
  running = 0;
  #onIdle: (() => void) | undefined;
  readonly #outputRow: readonly number[];

  constructor({ name, version, key, config, spec }: ServedOptions) {
    this.name = name;
    this.version = version;
    this.key = key;
    this.config = config;
    this.spec = spec;
    const perRow = ({ shape }: { shape: readonly number[] }) => sizeOf(shape.slice(1));
    this.rules = { model: name, maxBatchSize: config.maxBatchSize, nonFinite: config.nonFinite };
    this.inputRow = spec.inputs.map(perRow);
    this.#outputRow = spec.outputs.map(perRow);
    this.queue = new RequestQueue(config.priorities.levels);
  }

  /** True when a newer load took its place: what it has is still answered. */
  get retired(): boolean {
    return this.#onIdle !== undefined;
  }

  /** Takes nothing new from here on; `onIdle` is called once nothing waits or runs. */
  retire(onIdle: () => void): void {
    this.#onIdle = onIdle;
    this.checkIdle();
  }

  checkIdle(): void {
    if (!this.#onIdle || this.running > 0 || this.queue.requests > 0) return;
    const onIdle = this.#onIdle;
    this.#onIdle = () => {};
    onIdle();
  }

  get batched(): boolean {
    return this.config.maxBatchSize > 0;
  }

  /** Makes the memory for a thread; the views over it stay here. */
  place(thread: number): readonly [Slab, Slab] {
    const { maxBatchSize } = this.config;
    const bytes = (specs: ModelSpec['inputs'], rows: readonly number[]) =>
      specs.map(({ type }, at) => maxBatchSize * rows[at]! * ELEMENTS[type].BYTES_PER_ELEMENT);
    const inputs = bytes(this.spec.inputs, this.inputRow);
    const outputs = bytes(this.spec.outputs, this.#outputRow);
    const total = 2 * [...inputs, ...outputs].reduce((sum, one) => sum + one, 0);
    if (total > MOST_SLAB_BYTES) {
      const text = `model ${this.name}: a full batch needs ${total} bytes on a thread; lower maxBatchSize (${MOST_SLAB_BYTES} at most)`;
      throw new TroupeError('INVALID_ARGUMENT', text);
    }
    const make = (sizes: readonly number[]) => sizes.map((size) => new SharedArrayBuffer(size));
    const slab = (): Slab => ({
      state: new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT),
      inputs: make(inputs),
      outputs: make(outputs),
    });
    const over = (specs: ModelSpec['inputs'], memory: readonly SharedArrayBuffer[]) =>
      specs.map(({ type }, at) => elementsOf(type, memory[at]!));
    const views = (one: Slab): Views => ({
      state: new Int32Array(one.state),
      inputs: over(this.spec.inputs, one.inputs),
      outputs: over(this.spec.outputs, one.outputs),
    });
    const slabs = [slab(), slab()] as const;
    this.places.set(thread, { views: [views(slabs[0]), views(slabs[1])], side: 0 });
    return slabs;
  }

  /** Copies a batch into the next side of a thread's memory. */
  fill(thread: number, batch: readonly Waiting[]): { side: Side; rows: number } {
    const place = this.places.get(thread)!;
    const { side } = place;
    place.side = side === 0 ? 1 : 0;
    const { inputs, state } = place.views[side];
    Atomics.store(state, 0, BATCH.handed);
    const revoke = (): boolean =>
      Atomics.compareExchange(state, 0, BATCH.handed, BATCH.revoked) !== BATCH.started;
    let rows = 0;
    for (const request of batch) {
      for (let at = 0; at < inputs.length; at++) {
        // Both are of the input's type; request.ts has checked it.
        (inputs[at] as Float32Array).set(
          request.data[at] as Float32Array,
          rows * this.inputRow[at]!,
        );
      }
      rows += request.rows;
      request.revoke = revoke;
    }
    return { side, rows };
  }

  /** Copies a request's rows out of a thread's memory. */
  outputs(thread: number, side: Side, from: number, rows: number): Record<string, OutputTensor> {
    const { outputs } = this.places.get(thread)!.views[side];
    const result: Record<string, OutputTensor> = {};
    for (let at = 0; at < outputs.length; at++) {
      const { name, type, shape } = this.spec.outputs[at]!;
      const size = this.#outputRow[at]!;
      const data = elementsOf(type, rows * size) as Float32Array;
      const all = outputs[at] as Float32Array;
      const first = from * size;
      for (let value = 0; value < data.length; value++) data[value] = all[first + value]!;
      result[name] = { type, shape: [rows, ...shape.slice(1)], data };
    }
    return result;
  }

  /** Answers with an error, if nothing answered before. */
  refuse(request: Waiting, error: Error, reason: FailureReason): void {
    if (request.state === 'answered') return;
    const waited = request.state === 'waiting';
    request.state = 'answered';
    if (waited) this.queue.leave(request);
    else request.revoke?.();
    this.counters.failure[reason]++;
    request.release?.();
    request.reject(error);
    this.checkIdle();
  }

  answer(request: Waiting, outputs: Record<string, OutputTensor>, now: number): void {
    if (request.state === 'answered') return;
    request.state = 'answered';
    this.counters.success++;
    this.counters.requestUs += (now - request.since) * 1000;
    request.release?.();
    request.resolve({ model: this.name, version: this.version, outputs });
  }

  /** A full batch waits, and nothing more urgent can come before it. */
  get hasFullBatch(): boolean {
    const { maxBatchSize, priorities } = this.config;
    return this.batched && priorities.levels === 1 && this.queue.rows >= maxBatchSize;
  }

  /** Milliseconds of one thread's work for so many waiting rows. */
  workFor(rows: number): number {
    if (!this.batched) return this.queue.requests * this.estimate.batch(1);
    const { maxBatchSize } = this.config;
    if (rows <= maxBatchSize) return this.estimate.batch(rows);
    return (rows / maxBatchSize) * this.estimate.batch(maxBatchSize);
  }

  /** Whether a batch may start now; else when, by performance.now(). */
  dueAt(): number {
    const { maxDelayMs, maxBatchSize } = this.config;
    if (maxDelayMs === 0 || this.retired || this.queue.rows >= maxBatchSize) return 0;
    return this.queue.peek()!.since + maxDelayMs;
  }
}
