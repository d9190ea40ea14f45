/** The suite `routing`: the route planner against best known plans, peers and itself. */
import type { Suite } from '../harness/question.ts';
import { gapQuestion } from './gap.ts';
import { replanQuestion } from './replan.ts';
import { createRuns } from './runs.ts';
import { workersQuestion } from './workers.ts';

const runs = createRuns();

export const suite: Suite = {
  title: 'Route planning',
  rounds: 5,
  questions: [gapQuestion(runs), workersQuestion(runs), replanQuestion(runs)],
};
