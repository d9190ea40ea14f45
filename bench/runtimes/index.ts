/** The suite `runtimes`: the same actor on every runtime that one machine can have. */
import type { Suite } from '../harness/question.ts';
import { question } from './question.ts';

export const suite: Suite = {
  title: 'Troupe embedded, Troupe’s sidecar, and the official Dapr 1.18.2',
  questions: [question],
};
