/** The app beside each side of the differential test: it notes what it is asked and answers by the path. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { AppSeen } from './case.ts';

const SUBSCRIPTIONS = [
  { pubsubname: 'pubsub', topic: 'plain', route: '/events/plain' },
  { pubsubname: 'pubsub', topic: 'raw', route: '/events/raw', metadata: { rawPayload: 'true' } },
  {
    pubsubname: 'pubsub',
    topic: 'routed',
    routes: {
      rules: [
        { match: 'event.type == "order"', path: '/events/order' },
        { match: 'has(event.data.size) && event.data.size > 3', path: '/events/large' },
      ],
      default: '/events/other',
    },
  },
  { pubsubname: 'pubsub', topic: 'dropped', route: '/events/drop', deadLetterTopic: 'dead' },
  { pubsubname: 'pubsub', topic: 'missing', route: '/events/missing', deadLetterTopic: 'dead' },
  { pubsubname: 'pubsub', topic: 'dead', route: '/events/dead' },
  {
    pubsubname: 'pubsub',
    topic: 'bulk',
    route: '/events/bulk',
    bulkSubscribe: { enabled: true, maxMessagesCount: 2, maxAwaitDurationMs: 500 },
  },
];

const CONFIG = {
  entities: ['Cart'],
  actorIdleTimeout: '1h',
  reentrancy: { enabled: false },
};

interface Reply {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | object;
}

function replyTo({ verb, path, headers, body }: AppSeen): Reply {
  const [route = ''] = path.split('?');
  if (route === '/dapr/config') return { body: CONFIG };
  if (route === '/dapr/subscribe') return { body: SUBSCRIPTIONS };
  if (route === '/events/drop') return { body: { status: 'DROP' } };
  if (route === '/events/missing') return { status: 404 };
  if (route === '/events/bulk') {
    const { entries = [] } = JSON.parse(body) as { entries?: { entryId: string }[] };
    return { body: { statuses: entries.map(({ entryId }) => ({ entryId, status: 'SUCCESS' })) } };
  }
  if (route.startsWith('/events/')) return {};
  if (route.startsWith('/job/')) return {};
  if (route.startsWith('/configuration/')) return {};
  if (route.startsWith('/status/')) {
    const status = /^\/status\/([2-5]\d\d)$/.exec(route)?.[1] ?? 404;
    return { status: Number(status), body: 'as asked', headers: { 'x-app': 'yes' } };
  }
  if (route === '/plain') return { body: 'text', headers: { 'content-type': 'text/plain' } };
  if (route === '/none') return { status: 204 };
  if (route === '/moved') return { status: 302, headers: { location: '/plain' } };
  if (route.startsWith('/actors/Cart/')) {
    const method = route.split('/method/')[1] ?? '';
    if (verb === 'DELETE') return {};
    if (method.startsWith('fail')) return { status: 500, body: { why: 'it fails' } };
    if (method.startsWith('lost')) return { status: 404 };
    if (method.startsWith('made')) return { status: 201 };
    if (method.startsWith('apperror')) {
      return {
        headers: { 'X-DaprErrorResponseHeader': '1' },
        body: { errorCode: 'OUT_OF_STOCK', message: 'none left' },
      };
    }
    if (method.startsWith('nothing')) return {};
    return { body: { method, said: body, type: headers['content-type'] ?? null } };
  }
  if (route.startsWith('/echo') || route.startsWith('/method')) {
    const own = Object.entries(headers).filter(([name]) => /^(x-c|dapr-c|content-type)/.test(name));
    return { body: { verb, path, headers: Object.fromEntries(own), body } };
  }
  return { status: 404, body: 'no such route' };
}

export interface DifferentialApp extends AsyncDisposable {
  readonly port: number;
  readonly seen: AppSeen[];
}

export async function startDifferentialApp(): Promise<DifferentialApp> {
  const seen: AppSeen[] = [];
  const server = createServer((message, response) => {
    const chunks: Buffer[] = [];
    message.on('data', (chunk: Buffer) => chunks.push(chunk));
    message.on('end', () => {
      const { method: verb = '', url: path = '' } = message;
      const headers = Object.fromEntries(
        Object.entries(message.headers).map(([name, value]) => [name, String(value)]),
      );
      const request = { verb, path, headers, body: Buffer.concat(chunks).toString() };
      seen.push(request);
      const { status = 200, headers: answered = {}, body } = replyTo(request);
      const isJson = typeof body === 'object';
      response.writeHead(status, {
        ...(isJson ? { 'content-type': 'application/json' } : {}),
        ...answered,
      });
      response.end(isJson ? JSON.stringify(body) : body);
    });
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
