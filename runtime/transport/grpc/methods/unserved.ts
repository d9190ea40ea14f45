/** Methods of the proto that this version answers with UNIMPLEMENTED, each with its reason. */
import { ApiError } from '../../../api/api-error.ts';
import { unary, type MethodRow } from '../registry.ts';

const SUBTLE = 'the subtle crypto API is left out of daprd by default, and here; use EncryptAlpha1';
const BLOCK =
  'this version does not serve this building block over gRPC; use its HTTP API if it has one';

/** Reasons by method name; a row of a block takes precedence. */
export const UNSERVED: Readonly<Record<string, string>> = {
  SubtleGetKeyAlpha1: SUBTLE,
  SubtleEncryptAlpha1: SUBTLE,
  SubtleDecryptAlpha1: SUBTLE,
  SubtleWrapKeyAlpha1: SUBTLE,
  SubtleUnwrapKeyAlpha1: SUBTLE,
  SubtleSignAlpha1: SUBTLE,
  SubtleVerifyAlpha1: SUBTLE,
  InvokeBinding: BLOCK,
  GetConfigurationAlpha1: BLOCK,
  GetConfiguration: BLOCK,
  SubscribeConfigurationAlpha1: BLOCK,
  SubscribeConfiguration: BLOCK,
  UnsubscribeConfigurationAlpha1: BLOCK,
  UnsubscribeConfiguration: BLOCK,
  TryLockAlpha1: BLOCK,
  UnlockAlpha1: BLOCK,
  EncryptAlpha1: BLOCK,
  DecryptAlpha1: BLOCK,
  ScheduleJobAlpha1: BLOCK,
  ScheduleJob: BLOCK,
  GetJobAlpha1: BLOCK,
  GetJob: BLOCK,
  DeleteJobAlpha1: BLOCK,
  DeleteJob: BLOCK,
  DeleteJobsByPrefixAlpha1: BLOCK,
  DeleteJobsByPrefix: BLOCK,
  ListJobsAlpha1: BLOCK,
  ListJobs: BLOCK,
  ConverseAlpha1: BLOCK,
  ConverseAlpha2: BLOCK,
};

export function unservedMethods(served: readonly MethodRow[]): MethodRow[] {
  const names = new Set(served.map(({ name }) => name));
  return Object.entries(UNSERVED)
    .filter(([name]) => !names.has(name))
    .map(([name, reason]) =>
      unary(name, () => {
        throw new ApiError('API_UNIMPLEMENTED', `${name} is not served: ${reason}`);
      }),
    );
}
