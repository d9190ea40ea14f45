/** The suite `inference`: what batching, worker threads and HTTP make of ONNX Runtime on this machine. */
import type { Suite } from '../harness/question.ts';
import { question as http } from './http.ts';
import { modelQuestion } from './question.ts';

export const suite: Suite = {
  title: 'Inference in one worker thread, the main thread beside it',
  questions: [modelQuestion('demand'), modelQuestion('digits'), http],
};
