/** Methods of the proto that this version answers with UNIMPLEMENTED, each with its reason. */
import { ApiError } from '../../../api/api-error.ts';
import { unary, type MethodRow } from '../registry.ts';

const SUBTLE = 'the subtle crypto API is left out of daprd by default, and here; use EncryptAlpha1';

/** Reasons by method name; a row of a block takes precedence. */
export const UNSERVED: Readonly<Record<string, string>> = {
  SubtleGetKeyAlpha1: SUBTLE,
  SubtleEncryptAlpha1: SUBTLE,
  SubtleDecryptAlpha1: SUBTLE,
  SubtleWrapKeyAlpha1: SUBTLE,
  SubtleUnwrapKeyAlpha1: SUBTLE,
  SubtleSignAlpha1: SUBTLE,
  SubtleVerifyAlpha1: SUBTLE,
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
