/** Waiting for an app that may start after its host. */
import { connect } from 'node:net';
import type { Clock } from '../core/ports.ts';

/** As daprd asks whether its app is there. */
const APP_POLL_MS = 100;

/** Resolves when the app's port takes a connection; asks every 100 ms. Rejects when the signal aborts. */
export async function waitForPort(
  { host, port }: { readonly host: string; readonly port: number },
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  for (;;) {
    signal.throwIfAborted();
    const isOpen = await new Promise<boolean>((resolve) => {
      const socket = connect({ host, port });
      const done = (outcome: boolean): void => {
        socket.destroy();
        resolve(outcome);
      };
      socket.once('connect', () => done(true));
      socket.once('error', () => done(false));
    });
    if (isOpen) return;
    await new Promise<void>((resolve) => {
      clock.timer(clock.now() + APP_POLL_MS, resolve, { background: true });
      signal.addEventListener('abort', () => resolve(), { once: true });
    });
  }
}
