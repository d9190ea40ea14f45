/** Workflow methods: refused by name, because this version runs no workflows. */
import { ApiError } from '../../../api/api-error.ts';
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
        throw new ApiError(
          'API_UNIMPLEMENTED',
          `${verb}${version}: this version of Troupe runs no workflows; use actors with reminders, or daprd for workflows`,
        );
      }),
    ),
  );
}
