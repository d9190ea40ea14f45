/** What every resolver says of an app that it does not find, in daprd's words: they reach the caller. */
import { TroupeError } from '../../runtime/core/errors.ts';

export function notFound(appId: string): TroupeError {
  return new TroupeError('NOT_FOUND', `couldn't find service: ${appId}`);
}
