/**
 * What runs in a worker thread: loads and warms the task module, and only then
 * tells piscina that it is ready; then answers one call after the other. A task
 * that throws is an answer too, so that a rejected call always means a thread
 * that ended.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { move, transferableSymbol, valueSymbol } from 'piscina';
import {
  CONTROL,
  READY,
  type FromWorker,
  type TaskModule,
  type ThreadContext,
  type ThreadData,
  type ToWorker,
  type WorkerReport,
} from './protocol.ts';

const { module, setup } = workerData as ThreadData;
const { tasks, warm } = (await import(module)) as TaskModule;
await warm?.(setup);

async function answer(
  { task, input }: ToWorker,
  context: ThreadContext<unknown>,
): Promise<FromWorker> {
  if (task === READY) return { kind: 'done', output: undefined };
  const run = Object.hasOwn(tasks, task) ? tasks[task] : undefined;
  if (!run) {
    const known = Object.keys(tasks).join(', ');
    const message = `${module} has no task "${task}"; it has ${known}`;
    return { kind: 'failed', code: 'NOT_FOUND', message };
  }
  try {
    const output = await run(input as never, context as ThreadContext<never>);
    return { kind: 'done', output };
  } catch (error) {
    const { code, message } = error as { code?: unknown; message?: unknown };
    return {
      kind: 'failed',
      code: typeof code === 'string' ? code : 'INTERNAL',
      message: typeof message === 'string' ? message : String(error),
    };
  }
}

export async function handle(message: ToWorker): Promise<unknown> {
  const word = message.control && new Int32Array(message.control);
  const moved: ArrayBuffer[] = [];
  const result = await answer(message, {
    finishing: () => word !== undefined && Atomics.load(word, 0) !== CONTROL.go,
    cancelled: () => word !== undefined && Atomics.load(word, 0) === CONTROL.cancel,
    report: (progress) => {
      parentPort?.postMessage({ call: message.call, progress } satisfies WorkerReport);
    },
    transfer: (...buffers) => void moved.push(...buffers),
  });
  if (moved.length === 0) return result;
  return move({ [transferableSymbol]: moved, [valueSymbol]: result } as never);
}
