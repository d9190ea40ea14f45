/** What ends a long stream from this side. */
import type { Call } from './call.ts';

/** Rejects when the client goes away or the server is about to close. */
export function leavingOf({ signal, leaving }: Pick<Call, 'signal' | 'leaving'>): Promise<never> {
  const both = AbortSignal.any([signal, leaving]);
  return new Promise((_resolve, reject) => {
    const leave = (): void => reject(both.reason as Error);
    if (both.aborted) leave();
    else both.addEventListener('abort', leave, { once: true });
  });
}
