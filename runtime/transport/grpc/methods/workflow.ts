/** Workflow methods: refused by name, because this version runs no workflows. */
import { refuseWorkflow } from '../../../api/workflow.ts';
import { unary, type MethodRow } from '../registry.ts';

const VERBS = [
  'StartWorkflow',
  'GetWorkflow',
  'PurgeWorkflow',
  'TerminateWorkflow',
  'PauseWorkflow',
  'ResumeWorkflow',
  'RaiseEventWorkflow',
];

export function workflowMethods(): MethodRow[] {
  return ['Alpha1', 'Beta1'].flatMap((version) =>
    VERBS.map((verb) =>
      unary(`${verb}${version}`, () => {
        refuseWorkflow(`${verb}${version}`);
      }),
    ),
  );
}
