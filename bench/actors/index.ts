/** The suite `actors`: what the engine costs, question by question. */
import type { Suite } from '../harness/question.ts';
import { question as call } from './call.ts';
import { question as callers } from './callers.ts';
import { question as durable } from './durable.ts';
import { question as fresh } from './fresh.ts';
import { question as http } from './http.ts';
import { question as reminders } from './reminders.ts';

export const suite: Suite = {
  title: 'Actors on the embedded runtime',
  questions: [call, callers, fresh, durable, reminders, http],
};
