/** From a ref's method to the router: argument to payload, options to deadline and signal, answer to value. */
import type { CallOptions } from '../actor/ref.ts';
import { copyOf, toValue } from '../core/codec.ts';
import { TroupeError } from '../core/errors.ts';
import type { Router } from '../core/router.ts';

export async function sendThrough(
  router: Router,
  type: string,
  id: string,
  method: string,
  argument: unknown,
  options: CallOptions | undefined,
): Promise<unknown> {
  const payload = copyOf(argument);
  if (!options) return toValue(await router.call({ type, id, method, payload }));
  const { signal, timeout } = options;
  if (timeout !== undefined && !(timeout >= 0)) {
    throw new TroupeError(
      'INVALID_ARGUMENT',
      `timeout ${String(timeout)} is not a number of milliseconds`,
    );
  }
  if (Number.isNaN(options.deadline))
    throw new TroupeError('INVALID_ARGUMENT', 'the deadline is not a time in milliseconds');
  const deadline = options.deadline ?? (timeout === undefined ? undefined : router.now() + timeout);
  return toValue(await router.call({ type, id, method, payload, deadline, signal }));
}
