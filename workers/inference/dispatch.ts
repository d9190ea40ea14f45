/**
 * Which thread does what next. Whenever a thread is free it takes what waits,
 * up to a full batch of the model whose head is the most urgent; nothing waits
 * for a batch to fill unless the model's config says so. Loading comes first.
 */
import type { Lane } from '../lane.ts';
import { REVOKED, type InferenceTasks, type Side } from './messages.ts';
import { answerBatch, answerSingle, countBatch, expire, failBatch, giveBack } from './outcome.ts';
import type { Waiting } from './queue.ts';
import { looseTensors } from './request.ts';
import type { Served } from './served.ts';

interface Thread {
  readonly lane: Lane;
  readonly number: number;
  readonly jobs: (() => Promise<void>)[];
  /** A job runs; no batch does beside it. */
  working: boolean;
  /** Batches that are with the thread: one runs, the other waits behind it. */
  batches: number;
  /** When its batches are expected to end, by performance.now(). */
  freeAt: number;
  /** When its last batch ended. */
  endedAt: number;
}

type TaskName = keyof InferenceTasks;

/** Batches that may be with a thread. The second one is always full, so that nothing is gained by keeping it back. */
export const DEPTH = 2;
/** How often requests that wait or run are looked through for deadlines that passed. */
const SWEEP_MS = 5;

export class Dispatch {
  readonly #threads: readonly Thread[];
  readonly #models = new Set<Served>();
  readonly #running = new Map<readonly Waiting[], Served>();
  #calls = 0;
  #planned = false;
  #alarm: NodeJS.Timeout | undefined;
  #alarmAt = Infinity;
  #sweep: NodeJS.Timeout | undefined;
  #closed: (() => Error) | undefined;
  busyMs = 0;

  constructor(lanes: readonly Lane[]) {
    this.#threads = lanes.map((lane, number) => ({
      lane,
      number,
      jobs: [],
      working: false,
      batches: 0,
      freeAt: 0,
      endedAt: 0,
    }));
  }

  get busyThreads(): number {
    return this.#threads.filter(({ batches, working }) => working || batches > 0).length;
  }

  add(model: Served): void {
    this.#models.add(model);
  }

  remove(model: Served): void {
    this.#models.delete(model);
  }

  get models(): Iterable<Served> {
    return this.#models;
  }

  /** Runs a task on one thread, before the batches that wait. */
  onThread<Name extends TaskName>(
    number: number,
    task: Name,
    input: InferenceTasks[Name]['input'],
  ): Promise<InferenceTasks[Name]['output']> {
    const thread = this.#threads[number]!;
    return new Promise((resolve, reject) => {
      thread.jobs.push(() => this.#run(thread, task, input).then(resolve, reject));
      this.#plan();
    });
  }

  enqueue(model: Served, request: Waiting): void {
    model.queue.push(request);
    if (request.deadline !== Infinity) this.#watch();
    this.#plan();
  }

  /** Milliseconds until a new request of so many rows would be answered. */
  predict(model: Served, rows: number, priority: number, now: number): number {
    let free = Infinity;
    let threads = 0;
    for (const { number, freeAt, batches } of this.#threads) {
      if (!model.places.has(number)) continue;
      threads++;
      free = Math.min(free, batches > 0 ? Math.max(0, freeAt - now) : 0);
    }
    let ahead = 0;
    for (const other of this.#models) {
      const waiting = other.queue.rowsUpTo(priority);
      if (waiting > 0) ahead += other.workFor(waiting);
    }
    return free + ahead / threads + model.estimate.batch(rows);
  }

  /** Takes nothing more: what has not started is refused. */
  close(error: () => Error): void {
    this.#closed = error;
    clearTimeout(this.#alarm);
    clearTimeout(this.#sweep);
    for (const [first] of this.#running.keys()) first?.revoke?.();
    for (const model of this.#models) {
      for (const request of [...model.queue]) model.refuse(request, error(), 'OTHER');
    }
  }

  /** At the end of what runs now, so that requests made together go together. */
  #plan(): void {
    if (this.#planned) return;
    this.#planned = true;
    queueMicrotask(() => {
      this.#planned = false;
      for (const thread of this.#threads) this.#next(thread, DEPTH);
    });
  }

  /** Gives the thread what it may have, up to so many batches at once. */
  #next(thread: Thread, depth: number): void {
    if (thread.working) return;
    while (thread.batches < depth) {
      if (thread.jobs.length > 0) {
        // Once the batches before it have ended; none is added meanwhile.
        if (thread.batches === 0) this.#work(thread, thread.jobs.shift()!);
        return;
      }
      const model = this.#mostUrgent(thread);
      if (!model || (thread.batches > 0 && !model.hasFullBatch)) return;
      const taken = model.queue.take(Math.max(1, model.config.maxBatchSize));
      const now = Date.now();
      const batch = taken.filter((request) => request.deadline > now || expire(model, request));
      if (batch.length > 0) void this.#batch(thread, model, batch);
    }
  }

  #work(thread: Thread, job: () => Promise<void>): void {
    thread.working = true;
    void job().finally(() => {
      thread.working = false;
      this.#next(thread, DEPTH);
    });
  }

  #mostUrgent({ number }: Thread): Served | undefined {
    let best: Served | undefined;
    let head: Waiting | undefined;
    for (const model of this.#models) {
      if (model.queue.requests === 0 || !model.places.has(number)) continue;
      const first = model.queue.peek()!;
      const due = model.dueAt();
      if (due > 0 && due > performance.now()) {
        this.#wakeAt(due);
        continue;
      }
      const before =
        !head ||
        first.priority < head.priority ||
        (first.priority === head.priority && first.since < head.since);
      if (before) {
        best = model;
        head = first;
      }
    }
    return best;
  }

  async #batch(thread: Thread, model: Served, batch: readonly Waiting[]): Promise<void> {
    const began = performance.now();
    thread.batches++;
    model.running++;
    this.#running.set(batch, model);
    let filled: { side: Side; rows: number } = { side: 0, rows: 1 };
    let ready = began;
    let ms = 0;
    let loose: InferenceTasks['single']['output'] | undefined;
    let failure: unknown;
    try {
      if (model.batched) {
        filled = model.fill(thread.number, batch);
        ready = performance.now();
        thread.freeAt = Math.max(ready, thread.freeAt) + model.estimate.batch(filled.rows);
        ms = await this.#run(thread, 'batch', { key: model.key, ...filled });
      } else {
        const inputs = looseTensors(model.spec.inputs, batch[0]!);
        thread.freeAt = Math.max(ready, thread.freeAt) + model.estimate.batch(1);
        loose = await this.#run(thread, 'single', { key: model.key, inputs });
        ({ ms } = loose);
      }
    } catch (error) {
      failure = error;
    }
    const ended = performance.now();
    thread.batches--;
    if (thread.batches === 0) thread.freeAt = ended;
    this.#running.delete(batch);
    // A thread that died may have left a batch that it had not started.
    const untouched = failure === undefined ? ms === REVOKED : batch[0]!.revoke?.() === true;
    if (untouched) this.#takeBack(model, batch);
    // A thread that has nothing gets the other side of the memory before this one is read.
    this.#next(thread, 1);
    model.running--;
    if (failure !== undefined && !untouched) failBatch(model, batch, failure);
    if (failure === undefined && !untouched) {
      const started = Math.max(ready, thread.endedAt);
      thread.endedAt = ended;
      this.busyMs += ms;
      model.estimate.learn(filled.rows, ended - started);
      if (loose) answerSingle(model, batch[0]!, loose.outputs);
      else answerBatch(model, batch, { thread: thread.number, side: filled.side });
      countBatch(model, batch, filled.rows, { began, ready, ended, ms });
    }
    // Now this side may be filled as well.
    this.#next(thread, DEPTH);
    model.checkIdle();
  }

  #takeBack(model: Served, batch: readonly Waiting[]): void {
    if (!this.#closed) giveBack(model, batch);
    else for (const request of batch) model.refuse(request, this.#closed(), 'OTHER');
  }

  async #run<Name extends TaskName>(
    { lane }: Thread,
    task: Name,
    input: InferenceTasks[Name]['input'],
  ): Promise<InferenceTasks[Name]['output']> {
    const message = { call: this.#calls++, task, input };
    return (await lane.run(message)) as InferenceTasks[Name]['output'];
  }

  #wakeAt(due: number): void {
    if (due >= this.#alarmAt) return;
    clearTimeout(this.#alarm);
    this.#alarmAt = due;
    this.#alarm = setTimeout(
      () => {
        this.#alarmAt = Infinity;
        this.#plan();
      },
      Math.max(0, due - performance.now()),
    );
  }

  #watch(): void {
    this.#sweep ??= setTimeout(() => {
      this.#sweep = undefined;
      const now = Date.now();
      let more = false;
      const look = (model: Served, request: Waiting): void => {
        if (request.deadline <= now) expire(model, request);
        else if (request.deadline !== Infinity) more = true;
      };
      for (const model of this.#models) for (const request of model.queue) look(model, request);
      for (const [batch, model] of this.#running) for (const one of batch) look(model, one);
      if (more) this.#watch();
    }, SWEEP_MS);
  }
}
