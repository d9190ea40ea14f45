/**
 * One HTTP health check: repeated on the clock of the component, each with a
 * timeout, never two at once. It says only how each went; what follows from
 * that is its owner's.
 */
import type { ComponentOptions } from '../component.ts';

export interface HealthCheckOptions {
  readonly url: string;
  readonly intervalMs: number;
  readonly timeoutMs: number;
  readonly onResult: (isWell: boolean) => void;
}

/** Asks at once, and `intervalMs` after each answer, until it is cancelled. */
export function startHealthCheck(
  { timer }: Pick<ComponentOptions, 'timer'>,
  { url, intervalMs, timeoutMs, onResult }: HealthCheckOptions,
): { cancel(): void } {
  const end = new AbortController();
  let next: { cancel(): void } | undefined;

  async function isWell(): Promise<boolean> {
    const late = new AbortController();
    const deadline = timer(timeoutMs, () => late.abort());
    try {
      const signal = AbortSignal.any([end.signal, late.signal]);
      // Where the check leads is the service's own address, and no other by way of it.
      const answer = await fetch(url, { signal, redirect: 'manual' });
      await answer.body?.cancel();
      return answer.ok;
    } catch {
      return false;
    } finally {
      deadline.cancel();
    }
  }

  function ask(): void {
    void isWell().then((well) => {
      if (end.signal.aborted) return;
      next = timer(intervalMs, ask);
      onResult(well);
    });
  }
  ask();
  return {
    cancel() {
      end.abort();
      next?.cancel();
    },
  };
}
