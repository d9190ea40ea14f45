/** The suite `edge`: what a camera finds, what it sends, what it costs, and how many stores a centre takes. */
import type { Suite } from '../harness/question.ts';
import { costQuestion } from './cost.ts';
import { dayQuestion } from './day.ts';
import { labelledQuestion } from './labelled.ts';
import { storesQuestion } from './stores.ts';

export const suite: Suite = {
  title: 'Stores with cameras',
  questions: [labelledQuestion, dayQuestion, costQuestion, storesQuestion],
};
