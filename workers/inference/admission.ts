/**
 * The way of a request in: checked by itself, refused at once when it cannot be
 * answered in time or there is no room, otherwise put into its model's queue.
 */
import { TroupeError } from '../../runtime/core/errors.ts';
import type { Dispatch } from './dispatch.ts';
import type { FailureReason } from './metrics.ts';
import type { Waiting } from './queue.ts';
import { checkInputs, type Inputs, type PredictOptions, type Prediction } from './request.ts';
import type { Served } from './served.ts';

export interface Asked {
  readonly inputs: Inputs;
  readonly options: PredictOptions | undefined;
  readonly resolve: (prediction: Prediction) => void;
  readonly reject: (error: Error) => void;
}

const NO_OPTIONS: PredictOptions = {};

export function admit(model: Served, dispatch: Dispatch, asked: Asked): void {
  const { signal, deadline, priority } = asked.options ?? NO_OPTIONS;
  const { name, config, queue } = model;
  const refuse = (error: TroupeError, reason: FailureReason): void => {
    model.counters.failure[reason]++;
    asked.reject(error);
  };
  if (signal?.aborted) return refuse(cancelled(name, signal), 'CANCELED');
  let checked;
  try {
    checked = checkInputs(asked.inputs, model.spec.inputs, model.inputRow, model.rules);
  } catch (error) {
    return refuse(error as TroupeError, 'REJECTED');
  }
  const { rows } = checked;
  const level = priority ?? config.priorities.default;
  if (!Number.isInteger(level) || level < 1 || level > config.priorities.levels) {
    const text = `model ${name} has priorities 1 to ${config.priorities.levels}, not ${level}`;
    return refuse(new TroupeError('INVALID_ARGUMENT', text), 'REJECTED');
  }
  const since = performance.now();
  let until = deadline ?? Infinity;
  if (deadline === undefined && config.deadlineMs !== undefined) {
    until = Date.now() + config.deadlineMs;
  }
  if (until !== Infinity) {
    const left = until - Date.now();
    if (left <= 0) {
      const text = `model ${name}: the deadline of the request had passed`;
      return refuse(new TroupeError('TIMEOUT', text), 'DEADLINE');
    }
    const needed = dispatch.predict(model, rows, level, since);
    if (needed > left) {
      const text = `model ${name} would answer in ${needed.toFixed(1)} ms, the deadline is in ${left.toFixed(1)} ms`;
      return refuse(overloaded(text, needed - left), 'REJECTED');
    }
  }
  if (queue.rows + rows > config.queue) {
    const text = `${queue.rows} rows wait for model ${name} already, of ${config.queue} at most`;
    return refuse(overloaded(text, dispatch.predict(model, rows, level, since)), 'REJECTED');
  }
  const request: Waiting = {
    rows,
    data: checked.data,
    ...(checked.shapes ? { shapes: checked.shapes } : undefined),
    priority: level,
    deadline: until,
    since,
    state: 'waiting',
    resolve: asked.resolve,
    reject: asked.reject,
    release: undefined,
    revoke: undefined,
  };
  if (signal) {
    const abort = (): void => model.refuse(request, cancelled(name, signal), 'CANCELED');
    signal.addEventListener('abort', abort, { once: true });
    request.release = () => signal.removeEventListener('abort', abort);
  }
  dispatch.enqueue(model, request);
}

function cancelled(model: string, { reason }: AbortSignal): TroupeError {
  return new TroupeError('CANCELLED', `the request to model ${model} was cancelled`, {
    cause: reason,
  });
}

function overloaded(text: string, ms: number): TroupeError {
  const details = { retryAfterMs: Math.max(1, Math.ceil(ms)) };
  return new TroupeError('OVERLOADED', `${text}; try again later`, { details });
}
