/** `troupe sidecar --wait`: returns when a sidecar on this machine may be called by its app. */
import { TroupeError } from '../core/errors.ts';

const ATTEMPTS = 120;
const PAUSE_MS = 500;

/** Asks once in half a second, for a minute. Errors: UNAVAILABLE when it was not ready by then. */
export async function waitForOutbound(
  port: string,
  { stop }: { readonly stop: AbortSignal },
): Promise<void> {
  const url = `http://localhost:${port}/v1.0/healthz/outbound`;
  for (let attempt = 1; attempt <= ATTEMPTS && !stop.aborted; attempt++) {
    const { status } = await fetch(url, { signal: stop }).catch(() => ({ status: 0 }));
    if (status === 204) return;
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
  throw new TroupeError('UNAVAILABLE', `the sidecar at ${url} did not become ready`);
}
