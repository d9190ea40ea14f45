/** How the requests of a batch end: answered, failed, run again by themselves, expired; and what is counted. */
import { isTroupeError, TroupeError } from '../../runtime/core/errors.ts';
import type { LooseTensor, Side } from './messages.ts';
import type { Waiting } from './queue.ts';
import type { OutputTensor } from './request.ts';
import type { Served } from './served.ts';

/** Gives every request its rows of what lies in the thread's memory. */
export function answerBatch(
  model: Served,
  batch: readonly Waiting[],
  { thread, side }: { readonly thread: number; readonly side: Side },
): void {
  const now = performance.now();
  let row = 0;
  for (const request of batch) {
    const { rows } = request;
    if (request.state !== 'answered') {
      model.answer(request, model.outputs(thread, side, row, rows), now);
    }
    row += rows;
  }
}

export function answerSingle(
  model: Served,
  request: Waiting,
  tensors: readonly LooseTensor[],
): void {
  const outputs: Record<string, OutputTensor> = {};
  for (const { name, ...tensor } of tensors) outputs[name] = tensor;
  model.answer(request, outputs, performance.now());
}

/**
 * One bad request must not fail the others: each is put back to run by itself.
 * What a thread took with it when it ended is not tried again, because it may
 * be what ended the thread.
 */
export function failBatch(model: Served, batch: readonly Waiting[], failure: unknown): void {
  const lost = isTroupeError(failure) && failure.code === 'UNAVAILABLE';
  if (!lost && batch.length > 1) {
    for (const request of batch) if (request.state !== 'answered') model.queue.pushAlone(request);
    return;
  }
  const why = (failure as Error).message;
  const options = { cause: failure };
  for (const request of batch) {
    const error = lost
      ? new TroupeError('UNAVAILABLE', `model ${model.name}: ${why}`, options)
      : new TroupeError('INVALID_ARGUMENT', `model ${model.name} failed on this: ${why}`, options);
    model.refuse(request, error, 'BACKEND');
  }
}

/** A request was given up before the batch started: the others wait again, at the head. */
export function giveBack(model: Served, batch: readonly Waiting[]): void {
  for (const request of batch) if (request.state !== 'answered') model.queue.giveBack(request);
}

/** False, so that it can stand in a filter. */
export function expire(model: Served, request: Waiting): false {
  const text = `model ${model.name}: the deadline of the request passed`;
  model.refuse(request, new TroupeError('TIMEOUT', text), 'DEADLINE');
  return false;
}

/** By performance.now(), but for `ms`: time in the session. */
export interface BatchTimes {
  readonly began: number;
  /** Put together. */
  readonly ready: number;
  readonly ended: number;
  readonly ms: number;
}

export function countBatch(
  { counters }: Served,
  batch: readonly Waiting[],
  rows: number,
  { began, ready, ended, ms }: BatchTimes,
): void {
  const requests = batch.length;
  counters.executions++;
  counters.inferences += rows;
  counters.inputUs += (ready - began) * 1000 * requests;
  counters.inferUs += ms * 1000 * requests;
  counters.outputUs += (performance.now() - ended) * 1000 * requests;
  for (const { since } of batch) counters.queueUs += (began - since) * 1000;
}
