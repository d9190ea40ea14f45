/** Waiting that a caller may give up, while what is waited for goes on for others. */

/** Rejects with what `error` makes as soon as the signal aborts; what is waited for goes on. */
export async function untilAborted<T>(
  promise: Promise<T>,
  signal: AbortSignal,
  error: () => Error,
): Promise<T> {
  promise.catch(() => {});
  if (signal.aborted) throw error();
  const aborted = Promise.withResolvers<never>();
  const abort = (): void => aborted.reject(error());
  signal.addEventListener('abort', abort, { once: true });
  try {
    return await Promise.race([promise, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
