/**
 * Which thread does what next. Whenever a thread is free it takes what waits,
 * up to a full batch of the model whose head is the most urgent; nothing waits
 * for a batch to fill unless the model's config says so. Loading comes first.
 */
import type { Lane } from '../lane.ts';
import type { InferenceTasks, Side } from './messages.ts';
import { answerBatch, answerSingle, countBatch, expire, failBatch } from './outcome.ts';
import type { Waiting } from './queue.ts';
import { looseTensors } from './request.ts';
import type { Served } from './served.ts';

interface Thread {
  readonly lane: Lane;
  readonly number: number;
  readonly jobs: (() => Promise<void>)[];
  busy: boolean;
  /** When its batch is expected to end, by performance.now(). */
  freeAt: number;
}

type TaskName = keyof InferenceTasks;

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
  busyMs = 0;

  constructor(lanes: readonly Lane[]) {
    this.#threads = lanes.map((lane, number) => ({
      lane,
      number,
      jobs: [],
      busy: false,
      freeAt: 0,
    }));
  }

  get busyThreads(): number {
    return this.#threads.filter(({ busy }) => busy).length;
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
    for (const { number, freeAt, busy } of this.#threads) {
      if (!model.places.has(number)) continue;
      threads++;
      free = Math.min(free, busy ? Math.max(0, freeAt - now) : 0);
    }
    let ahead = 0;
    for (const other of this.#models) {
      const waiting = other.queue.rowsUpTo(priority);
      if (waiting > 0) ahead += other.workFor(waiting);
    }
    return free + ahead / threads + model.estimate.batch(rows);
  }

  close(error: () => Error): void {
    clearTimeout(this.#alarm);
    clearTimeout(this.#sweep);
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
      for (const thread of this.#threads) if (!thread.busy) this.#next(thread);
    });
  }

  #next(thread: Thread): void {
    const job = thread.jobs.shift();
    if (job) {
      thread.busy = true;
      void job().finally(() => {
        thread.busy = false;
        this.#next(thread);
      });
      return;
    }
    for (;;) {
      const model = this.#mostUrgent(thread);
      if (!model) return;
      const taken = model.queue.take(Math.max(1, model.config.maxBatchSize));
      const now = Date.now();
      const batch = taken.filter((request) => request.deadline > now || expire(model, request));
      if (batch.length > 0) {
        void this.#batch(thread, model, batch);
        return;
      }
    }
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
    thread.busy = true;
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
        thread.freeAt = ready + model.estimate.batch(filled.rows);
        ms = await this.#run(thread, 'batch', { key: model.key, ...filled });
      } else {
        const inputs = looseTensors(model.spec.inputs, batch[0]!);
        thread.freeAt = ready + model.estimate.batch(1);
        loose = await this.#run(thread, 'single', { key: model.key, inputs });
        ({ ms } = loose);
      }
    } catch (error) {
      failure = error;
    }
    const ended = performance.now();
    this.busyMs += ended - began;
    thread.busy = false;
    this.#running.delete(batch);
    // The next batch goes to the other side of the memory, before this one is read.
    this.#next(thread);
    model.running--;
    if (failure === undefined) {
      model.estimate.learn(filled.rows, ended - ready);
      if (loose) answerSingle(model, batch[0]!, loose.outputs);
      else answerBatch(model, batch, { thread: thread.number, side: filled.side });
      countBatch(model, batch, filled.rows, { began, ready, ended, ms });
    } else {
      failBatch(model, batch, failure);
      this.#plan();
    }
    model.checkIdle();
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
