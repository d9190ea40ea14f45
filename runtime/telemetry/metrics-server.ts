/** Metrics on a port of their own, under every path, as daprd serves them. */
import { createServer } from '../transport/node-http.ts';
import { listen } from '../transport/listen.ts';
import type { Metrics } from './metrics.ts';

export interface MetricsServer extends AsyncDisposable {
  readonly port: number;
}

/** Errors: UNAVAILABLE when the port cannot be had. */
export async function openMetricsServer(
  metrics: Metrics,
  at: { readonly host: string; readonly port: number },
): Promise<MetricsServer> {
  const server = createServer((_, response) => {
    response.setHeader('content-type', metrics.contentType).end(metrics.text());
  });
  await listen(server, at);
  const address = server.address();
  return {
    port: typeof address === 'object' && address ? address.port : at.port,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
