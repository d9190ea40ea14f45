/** The suite `sidecar`: `troupe sidecar` beside the official daprd on this machine. */
import type { Suite } from '../harness/question.ts';
import { question } from './question.ts';
import { startup } from './startup.ts';

export const suite: Suite = {
  title: 'troupe sidecar and the official daprd 1.18.2',
  questions: [question, startup],
};
