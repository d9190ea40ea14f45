/**
 * What actors offload, by the name of the task: to the pool that runs it, or to
 * a model server.
 */
import { TroupeError } from '../runtime/core/errors.ts';
import type { TaskRunner } from '../runtime/core/ports.ts';
import type { Inference } from './inference/inference.ts';
import { elementsOf, type ElementType } from './inference/messages.ts';
import type { Inputs, PredictOptions, Prediction, TensorInput } from './inference/request.ts';
import type { Pool } from './pool.ts';

/**
 * Input of a task that a model server runs. Typed arrays give a `Prediction`;
 * lists of numbers, which can be arguments and answers of actors, give a
 * `PredictionInNumbers`.
 */
export interface PredictTask {
  readonly model: string;
  readonly version?: string;
  /** Rows one after the other. Not to be changed until the task is done. */
  readonly inputs: Readonly<Record<string, TensorInput | readonly number[]>>;
}

export interface PredictionInNumbers {
  readonly model: string;
  readonly version: string;
  readonly outputs: Readonly<
    Record<
      string,
      {
        readonly type: ElementType;
        readonly shape: readonly number[];
        readonly data: readonly number[];
      }
    >
  >;
}

/** A pool runs its task of the same name. */
export type TaskSource = Pick<Pool<never>, 'run'> | Pick<Inference, 'predict' | 'model'>;

/** @throws TroupeError INVALID_ARGUMENT for numbers that the model's type cannot hold. */
function fromNumbers(type: ElementType, numbers: readonly number[], name: string): TensorInput {
  const data = elementsOf(type, numbers.length);
  const whole = typeof data[0] === 'bigint';
  for (const [at, value] of numbers.entries()) {
    if (typeof value !== 'number' || (whole && !Number.isSafeInteger(value))) {
      throw new TroupeError('INVALID_ARGUMENT', `input ${name} has a value that is no ${type}`);
    }
    data[at] = whole ? BigInt(value) : value;
  }
  return data;
}

async function predict(
  source: Pick<Inference, 'predict' | 'model'>,
  { model, inputs, version }: PredictTask,
  options: PredictOptions,
): Promise<Prediction | PredictionInNumbers> {
  const spec = source.model(model, version).inputs;
  let inNumbers = false;
  const tensors = Object.entries(inputs ?? {}).map(([name, given]) => {
    if (!Array.isArray(given)) return [name, given] as const;
    inNumbers = true;
    const type = spec.find((input) => input.name === name)?.type ?? 'float32';
    return [name, fromNumbers(type, given as number[], name)] as const;
  });
  const prediction = await source.predict(model, Object.fromEntries(tensors) as Inputs, {
    ...options,
    ...(version === undefined ? {} : { version }),
  });
  if (!inNumbers) return prediction;
  const outputs = Object.entries(prediction.outputs).map(
    ([name, { data, ...rest }]) => [name, { ...rest, data: Array.from(data, Number) }] as const,
  );
  return { ...prediction, outputs: Object.fromEntries(outputs) };
}

export function createTaskRunner(sources: Readonly<Record<string, TaskSource>>): TaskRunner {
  return {
    tasks: Object.keys(sources),
    async run(task, input, { signal, timeoutMs, priority }) {
      const source = Object.hasOwn(sources, task) ? sources[task] : undefined;
      if (!source) {
        const known = Object.keys(sources).join(', ');
        throw new TroupeError('NOT_FOUND', `there is no task "${task}"; there are ${known}`);
      }
      const options = {
        signal,
        ...(Number.isFinite(timeoutMs) ? { deadline: Date.now() + timeoutMs } : {}),
        ...(priority === undefined ? {} : { priority }),
      };
      if ('run' in source) return source.run(task as never, input as never, options);
      if (typeof input !== 'object' || input === null || !('model' in input)) {
        throw new TroupeError('INVALID_ARGUMENT', `the task "${task}" takes { model, inputs }`);
      }
      return predict(source, input as PredictTask, options);
    },
  };
}
