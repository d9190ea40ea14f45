/** An HTTP app beside a host under test: keeps what it is sent and answers as the test says. */
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface AppRequestSeen {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

export interface AppFixture extends AsyncDisposable {
  readonly port: number;
  /** Everything but `GET /dapr/...`, in order. */
  readonly seen: AppRequestSeen[];
}

export interface AppAnswer {
  readonly status: number;
  readonly body?: string;
}

/** Default answer: 200 without a body. `GET /dapr/...` gets 404. */
export async function openApp(
  answer: (request: AppRequestSeen, count: number) => AppAnswer | Promise<AppAnswer> = () => ({
    status: 200,
  }),
): Promise<AppFixture> {
  const seen: AppRequestSeen[] = [];
  const server = createServer((req, res) => {
    void (async () => {
      const chunks: Buffer[] = [];
      for await (const chunk of req) chunks.push(chunk as Buffer);
      const path = req.url ?? '';
      if (path.startsWith('/dapr/')) return res.writeHead(404).end();
      const text = Buffer.concat(chunks).toString();
      const request = { method: req.method ?? '', path, headers: req.headers, text };
      seen.push(request);
      const { status, body } = await answer(request, seen.length);
      return res.writeHead(status).end(body);
    })();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    seen,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
