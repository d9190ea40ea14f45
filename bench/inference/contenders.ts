/** The ways of running a model that are measured, each in a process of its own. */
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { Piscina } from 'piscina';
import { createInference, OWN_MODELS } from 'troupe/worker';
import { memory, meter } from '../harness/measure.ts';
import { rateOf, type Measure, type Params, type Scale } from '../harness/question.ts';
import { closedLoop, openLoop, type Request } from './load.ts';
import { readModel, rowOf, WORKERS, type BareModel, type ModelName } from './models.ts';

interface Opened {
  readonly request: Request;
  close(): Promise<unknown>;
}

const SINGLE = new URL('./single-task.ts', import.meta.url).href;

function openPiscina(model: BareModel, name: string): Piscina {
  return new Piscina({
    filename: SINGLE,
    name,
    minThreads: WORKERS,
    maxThreads: WORKERS,
    workerData: model,
  });
}

const WAYS: Readonly<Record<string, (model: BareModel) => Promise<Opened>>> = {
  /** One call at a time on the main thread. */
  async main(model) {
    const { file, input, row } = model;
    const values = rowOf(model);
    const session = await InferenceSession.create(file, { intraOpNumThreads: 1 });
    let last: Promise<unknown> = Promise.resolve();
    const run = () => session.run({ [input]: new Tensor('float32', values, [1, ...row]) });
    return { request: () => (last = last.then(run)), close: () => session.release() };
  },
  /** Piscina with a call for each request. */
  async pool(model) {
    const piscina = openPiscina(model, 'infer');
    const values = rowOf(model);
    return { request: () => piscina.run(values), close: () => piscina.destroy() };
  },
  /** Troupe's model server. */
  async batched(model) {
    const options = { repository: OWN_MODELS, workers: WORKERS, models: [model.name] };
    const models = await createInference(options);
    const inputs = { [model.input]: rowOf(model) };
    return { request: () => models.predict(model.name, inputs), close: () => models.close() };
  },
};

async function opened(params: Params, scale: Scale, warmUp: number): Promise<Opened> {
  const model = await readModel(params['model'] as ModelName);
  const way = await WAYS[params['way'] as string]!(model);
  await closedLoop(way.request, warmUp, scale.warmUpMs);
  return way;
}

const MANY = 64;
/** In which a way has answered all that a warm-up beyond its means has left. */
const DRAINED_MS = 60_000;

/**
 * At a rate, `params.rate` requests a second. The same load goes before it: code
 * that is compiled during the measurement takes a core from the ways that need two.
 */
const paced: Measure = async (params, scale) => {
  const { request, close } = await opened(params, scale, 4);
  const rate = Number(params['rate']);
  await openLoop(request, rate, scale.ms, DRAINED_MS);
  const measured = await openLoop(request, rate, scale.ms);
  await close();
  return measured;
};

/** As many as it takes. */
const most: Measure = async (params, scale) => {
  const { request, close } = await opened(params, scale, MANY);
  const callers = Number(params['callers'] ?? MANY);
  const measured = await closedLoop(request, callers, scale.ms);
  await close();
  return measured;
};

/**
 * The most that it answers of a load that does not wait for answers: rates that
 * double until more of them brings no more.
 */
const saturated: Measure = async (params, scale) => {
  const { request, close } = await opened(params, scale, MANY);
  let best = await closedLoop(request, MANY, scale.ms);
  for (;;) {
    const next = await openLoop(request, 2 * rateOf(best), scale.ms, DRAINED_MS);
    if (rateOf(next) <= rateOf(best)) break;
    best = next;
  }
  await close();
  return best;
};

/** Steps of the ladder that may fail in a row before it ends: one may meet something else on the machine. */
const MOST_FAILURES = 2;
const STEP = 1.25;

/** The highest rate of a ladder at which p99 stays under 10 ms and nothing is refused. */
const highest: Measure = async (params, scale) => {
  const { request, close } = await opened(params, scale, MANY);
  const ms = scale.ms / 2;
  let best = { rate: 0, cpuMs: Number.NaN, p50: Number.NaN, p99: Number.NaN };
  let failures = 0;
  for (
    let rate = Number(params['from']);
    failures < MOST_FAILURES;
    rate = Math.round(rate * STEP)
  ) {
    const { p50, p99, cpuMs, facts } = await openLoop(request, rate, ms);
    const { refused = 0, unanswered = 0 } = facts ?? {};
    if (p99! < 10_000 && refused + unanswered === 0) {
      best = { rate, cpuMs, p50: p50!, p99: p99! };
      failures = 0;
    } else {
      failures++;
    }
  }
  await close();
  const { rate, ...cost } = best;
  return { ops: (rate * ms) / 1000, seconds: ms / 1000, ...cost, ...memory() };
};

/** Sessions in worker threads that do nothing else, at the best batch: what no server can pass. */
const limit: Measure = async (params, scale) => {
  const model = await readModel(params['model'] as ModelName);
  const piscina = openPiscina(model, 'limit');
  const run = async (rows: number, ms: number): Promise<number> => {
    const rates = Array.from({ length: WORKERS }, () => piscina.run({ rows, ms }));
    return (await Promise.all(rates)).reduce((sum: number, one: number) => sum + one, 0);
  };
  let rows = 1;
  let fastest = 0;
  for (const size of model.batches) {
    const rate = await run(size, scale.ms / 10);
    if (rate > fastest) [rows, fastest] = [size, rate];
  }
  const cost = meter();
  const rate = await run(rows, scale.ms);
  const { cpuMs } = cost();
  await piscina.destroy();
  const seconds = scale.ms / 1000;
  return { ops: rate * seconds, seconds, cpuMs, ...memory(), facts: { rows } };
};

export const contenders: Readonly<Record<string, Measure>> = {
  paced,
  most,
  saturated,
  highest,
  limit,
};
