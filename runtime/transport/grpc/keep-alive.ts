/** Pings a silent connection and cuts it when the ping has no answer. */
import type { ServerHttp2Session } from 'node:http2';

const PING_TIMEOUT_MS = 20_000;

export function keepAlive(session: ServerHttp2Session, everyMs: number): void {
  session.setTimeout(everyMs);
  session.on('timeout', () => {
    const cut = setTimeout(() => session.destroy(), PING_TIMEOUT_MS);
    cut.unref();
    session.ping(() => {
      clearTimeout(cut);
      if (!session.destroyed) session.setTimeout(everyMs);
    });
  });
}
