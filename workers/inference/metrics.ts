/**
 * What a model server counts, with the names and meaning of Triton's metrics,
 * in Prometheus' text format. Durations are sums in microseconds.
 */

export interface ModelCounters {
  /** Requests. */
  success: number;
  readonly failure: Record<FailureReason, number>;
  /** Rows that were answered; a batch of 8 is 8. */
  inferences: number;
  /** Runs of a session; a batch of 8 is 1. */
  executions: number;
  /** From admission to answer, summed over requests. */
  requestUs: number;
  queueUs: number;
  /** Of the batch, once for each of its requests, as Triton counts it. */
  inputUs: number;
  inferUs: number;
  outputUs: number;
}

/** Triton's reasons, and DEADLINE, which it counts under them. */
export type FailureReason = 'REJECTED' | 'CANCELED' | 'BACKEND' | 'OTHER' | 'DEADLINE';

export function createModelCounters(): ModelCounters {
  return {
    success: 0,
    failure: { REJECTED: 0, CANCELED: 0, BACKEND: 0, OTHER: 0, DEADLINE: 0 },
    inferences: 0,
    executions: 0,
    requestUs: 0,
    queueUs: 0,
    inputUs: 0,
    inferUs: 0,
    outputUs: 0,
  };
}

export interface CountedModel {
  readonly name: string;
  readonly version: string;
  readonly counters: ModelCounters;
  readonly pending: number;
}

export interface CountedThreads {
  readonly threads: number;
  readonly busy: number;
  readonly deaths: number;
  /** Milliseconds spent on batches. */
  readonly busyMs: number;
}

type Row = readonly [labels: Readonly<Record<string, string>>, value: number];

function family(name: string, kind: 'counter' | 'gauge', help: string, rows: readonly Row[]) {
  const lines = rows.map(([labels, value]) => {
    const pairs = Object.entries(labels).map(([key, text]) => `${key}="${text}"`);
    const figure = Number.isInteger(value) ? value : value.toFixed(3);
    return `${name}${pairs.length > 0 ? `{${pairs.join(',')}}` : ''} ${figure}`;
  });
  return [`# HELP ${name} ${help}`, `# TYPE ${name} ${kind}`, ...lines].join('\n');
}

export function metricsText(models: readonly CountedModel[], threads: CountedThreads): string {
  const counted = (value: (counters: ModelCounters) => number): Row[] =>
    models.map(({ name, version, counters }) => [{ model: name, version }, value(counters)]);
  const microseconds = (value: (counters: ModelCounters) => number): Row[] =>
    counted((counters) => Math.round(value(counters)));
  const failures = models.flatMap(({ name, version, counters }) =>
    Object.entries(counters.failure).map(([reason, count]): Row => [
      { model: name, version, reason },
      count,
    ]),
  );
  const pending = models.map(({ name, version, pending: count }): Row => [
    { model: name, version },
    count,
  ]);
  return [
    family(
      'nv_inference_request_success',
      'counter',
      'Requests answered',
      counted((c) => c.success),
    ),
    family('nv_inference_request_failure', 'counter', 'Requests refused or failed', failures),
    family(
      'nv_inference_count',
      'counter',
      'Rows inferred',
      counted((c) => c.inferences),
    ),
    family(
      'nv_inference_exec_count',
      'counter',
      'Batches run',
      counted((c) => c.executions),
    ),
    family(
      'nv_inference_request_duration_us',
      'counter',
      'Time of answered requests',
      microseconds((c) => c.requestUs),
    ),
    family(
      'nv_inference_queue_duration_us',
      'counter',
      'Time requests waited',
      microseconds((c) => c.queueUs),
    ),
    family(
      'nv_inference_compute_input_duration_us',
      'counter',
      'Time to put batches together',
      microseconds((c) => c.inputUs),
    ),
    family(
      'nv_inference_compute_infer_duration_us',
      'counter',
      'Time in the session',
      microseconds((c) => c.inferUs),
    ),
    family(
      'nv_inference_compute_output_duration_us',
      'counter',
      'Time to take batches apart',
      microseconds((c) => c.outputUs),
    ),
    family('nv_inference_pending_request_count', 'gauge', 'Requests that wait', pending),
    family('troupe_inference_threads', 'gauge', 'Threads of the server', [[{}, threads.threads]]),
    family('troupe_inference_threads_busy', 'gauge', 'Threads that run a batch now', [
      [{}, threads.busy],
    ]),
    family('troupe_inference_thread_deaths', 'counter', 'Threads that died and were replaced', [
      [{}, threads.deaths],
    ]),
    family('troupe_inference_busy_seconds', 'counter', 'Time of threads spent on batches', [
      [{}, threads.busyMs / 1000],
    ]),
    '',
  ].join('\n');
}
