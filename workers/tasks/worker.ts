/** What runs in a worker thread: takes calls one at a time and answers each. */
import { parentPort } from 'node:worker_threads';
import { CONTROL, type FromWorker, type Task, type TaskName, type ToWorker } from '../protocol.ts';
import { plan } from './routing/plan.ts';

const TASKS: { readonly [Name in TaskName]: Task<Name> } = { plan };

const port = parentPort;
if (!port) throw new Error('workers/tasks/worker.ts runs in a worker thread; see workers/pool.ts');
const send = (message: FromWorker): void => port.postMessage(message);

port.on('message', async ({ call, task, input, control }: ToWorker) => {
  const word = new Int32Array(control);
  try {
    const output = await TASKS[task](input, {
      finishing: () => Atomics.load(word, 0) !== CONTROL.go,
      cancelled: () => Atomics.load(word, 0) === CONTROL.cancel,
      report: (progress) => send({ kind: 'progress', call, progress }),
    });
    send({ kind: 'done', call, output });
  } catch (error) {
    const { code = 'INTERNAL', message = String(error) } = error as Partial<Error> & {
      code?: string;
    };
    send({ kind: 'failed', call, code, message });
  }
});
