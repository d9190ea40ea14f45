/**
 * `--enable-profiling`: profiles of this process on a port of their own, at the
 * paths of Go's pprof and in the formats of Node, which Chrome's DevTools open.
 */
import type { ServerResponse } from 'node:http';
import { Session } from 'node:inspector/promises';
import { pipeline } from 'node:stream';
import { getHeapSnapshot } from 'node:v8';
import { listen } from '../transport/listen.ts';
import { createServer } from '../transport/node-http.ts';

const INDEX = `/debug/pprof/profile?seconds=30  CPU profile (.cpuprofile)
/debug/pprof/heap                heap snapshot (.heapsnapshot)
`;

const LONGEST_SECONDS = 300;

export interface Profiling extends AsyncDisposable {
  readonly port: number;
}

/** Errors: UNAVAILABLE when the port cannot be had. */
export async function openProfiling(host: string, port: number): Promise<Profiling> {
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://profiling');
    if (url.pathname === '/debug/pprof/heap') {
      response.setHeader('content-type', 'application/json');
      pipeline(getHeapSnapshot(), response, () => {});
    } else if (url.pathname === '/debug/pprof/profile') {
      void profile(Number(url.searchParams.get('seconds') ?? 30), response);
    } else if (/^\/debug\/pprof\/?$/.test(url.pathname)) {
      response.setHeader('content-type', 'text/plain').end(INDEX);
    } else {
      response.writeHead(404, { 'content-type': 'text/plain' }).end(INDEX);
    }
  });
  await listen(server, { host, port });
  const address = server.address();
  return {
    port: typeof address === 'object' && address ? address.port : port,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function profile(seconds: number, response: ServerResponse): Promise<void> {
  if (!(seconds > 0 && seconds <= LONGEST_SECONDS)) {
    response
      .writeHead(400, { 'content-type': 'text/plain' })
      .end(`seconds must be a number up to ${LONGEST_SECONDS}\n`);
    return;
  }
  const session = new Session();
  session.connect();
  try {
    await session.post('Profiler.enable');
    await session.post('Profiler.start');
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, seconds * 1000);
      response.once('close', () => {
        clearTimeout(timer);
        resolve();
      });
    });
    const { profile: recorded } = await session.post('Profiler.stop');
    response.setHeader('content-type', 'application/json').end(JSON.stringify(recorded));
  } finally {
    session.disconnect();
  }
}
