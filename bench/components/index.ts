/** The suite `components`: what a driver costs beside its bare client library. */
import type { Suite } from '../harness/question.ts';
import { questions } from './question.ts';

export const suite: Suite = { title: 'Drivers and their bare client libraries', questions };
