/**
 * A request of the differential test, and what came back of it in a form that
 * two servers can be compared by. The requests of a block run in their order,
 * on each side against its own server, store and app.
 */
import { Agent, request as send } from 'node:http';
import { callRaw, protos } from '../../../runtime/transport/grpc/grpc.fixture.ts';
import { credentials, Client } from '@grpc/grpc-js';
import { DAPR_SERVICE } from '../../../runtime/transport/grpc/dapr-methods.ts';

/** `{etag}` in a text stands for the last etag that the same side answered. */
export interface HttpCase {
  readonly verb: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** An object is sent as JSON, a text as it is. */
  readonly body?: unknown;
  /** Compares everything but the words of the error message. */
  readonly words?: false;
}

export interface GrpcCase {
  readonly grpc: string;
  readonly request: object;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly words?: false;
}

/** Runs until the app has been asked so often for paths that begin so, or until neither side moves. */
export interface AppCase {
  /** What the app saw at paths that begin with this. */
  readonly app: string;
  /** How many requests are waited for. */
  readonly count: number;
}

export type Case = HttpCase | GrpcCase | AppCase;

export interface Block {
  readonly name: string;
  readonly cases: readonly Case[];
}

export interface Side {
  readonly httpPort: number;
  readonly grpcPort: number;
  /** What its app was asked, in order. */
  readonly seen: readonly AppSeen[];
}

export interface AppSeen {
  readonly verb: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Answers of one side, without what differs by nature. */
export type Answer = Readonly<Record<string, unknown>>;

/** Response headers that a client could act on; the others are the server's own. */
const HEADERS =
  /^(content-type|etag|location|allow|retry-after|metadata\..*|x-.*|dapr-.*|trailer)$/;
/** Request headers of the app that differ from run to run. */
const OWN_HEADERS =
  /^(host|connection|content-length|transfer-encoding|user-agent|accept-encoding|traceparent|tracestate|grpc-trace-bin|x-forwarded-.*|forwarded|keep-alive)$/;
const APP_WAIT_MS = 8000;

export function nameOf(one: Case): string {
  if ('app' in one) return `app: ${one.count} × ${one.app}`;
  const short = (value: unknown): string => {
    const text = typeof value === 'string' ? value : JSON.stringify(value);
    return text.length > 90 ? `${text.slice(0, 90)}…` : text;
  };
  if ('grpc' in one) return `${one.grpc} ${short(one.request)}`;
  const headers = one.headers ? ` ${short(one.headers)}` : '';
  return `${one.verb} ${one.path}${headers}${one.body === undefined ? '' : ` ${short(one.body)}`}`;
}

/** Texts that two runs of one server would not share either. */
export function normalised(text: string, side: Side): string {
  return text
    .replaceAll(String(side.httpPort), '<http port>')
    .replaceAll(String(side.grpcPort), '<grpc port>')
    .replace(/127\.0\.0\.1:\d{4,5}/g, '127.0.0.1:<port>')
    .replace(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, '<uuid>')
    .replace(/\b00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]\b/g, '<traceparent>')
    .replace(/"etag":"[^"]+"/g, '"etag":"<etag>"')
    .replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)/g, '<time>')
    .replace(/\/tmp\/troupe-[\w./-]*/g, '<folder>')
    .replace(/\d+(\.\d+)?(µs|ms|s)\b/g, '<duration>');
}

function bodyOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** JSON with its members in one order, and what a raw event carries as JSON itself. */
export function textOf(value: unknown): string {
  return JSON.stringify(value, (key, member: unknown) => {
    const value =
      key === 'data_base64' ? bodyOf(Buffer.from(String(member), 'base64').toString()) : member;
    const isRecord = typeof value === 'object' && value !== null && !Array.isArray(value);
    return isRecord
      ? Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : value;
  });
}
const inOrder = (values: readonly unknown[]): unknown[] =>
  values.toSorted((a, b) => (textOf(a) < textOf(b) ? -1 : 1));

/** An error without its prose, if so wished, and with its details in one order: Go ranges over them by chance. */
function errorOf(value: unknown, words: boolean): unknown {
  if (typeof value !== 'object' || value === null || !('message' in value)) return value;
  const isList = 'details' in value && Array.isArray(value.details);
  const details = isList ? { details: inOrder(value.details as unknown[]) } : {};
  return { ...value, ...(words ? {} : { message: '<words>' }), ...details };
}

/** Types and texts of google.rpc.Status details, without the message that is compared apart. */
function detailsOf(bytes: unknown): string[] {
  const text = bytes instanceof Buffer ? bytes.toString('latin1') : '';
  return text.match(/google\.rpc\.\w+|ERR_\w+|DAPR_\w+/g)?.toSorted() ?? [];
}

/** The requests of one side, over connections that it keeps. */
export function createCaller(side: Side) {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const client = new Client(`127.0.0.1:${side.grpcPort}`, credentials.createInsecure());
  let etag = '';
  let seenSoFar = 0;
  const filled = (text: string): string => text.replaceAll('{etag}', etag);

  async function http({ verb, path, headers = {}, body, words }: HttpCase): Promise<Answer> {
    const text = body === undefined || typeof body === 'string' ? body : JSON.stringify(body);
    const payload = text === undefined ? undefined : Buffer.from(filled(text as string));
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    const outgoing = send({
      agent,
      host: '127.0.0.1',
      port: side.httpPort,
      method: verb,
      path: filled(path),
      headers: {
        ...(payload ? { 'content-length': payload.byteLength } : {}),
        ...Object.fromEntries(
          Object.entries(headers).map(([name, value]) => [name, filled(value)]),
        ),
      },
    });
    outgoing.on('error', reject);
    outgoing.on('response', (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        const given = response.headers['etag'];
        if (given !== undefined) etag = given;
        const kept = Object.entries(response.headers)
          .filter(([name]) => HEADERS.test(name))
          .map(([name, value]) => [
            name,
            name === 'etag' ? '<etag>' : normalised(String(value), side),
          ]);
        const content = bodyOf(normalised(Buffer.concat(chunks).toString(), side));
        resolve({
          status: response.statusCode,
          headers: Object.fromEntries(kept) as object,
          body: errorOf(content, words !== false),
        });
      });
    });
    outgoing.end(payload);
    return promise;
  }

  async function grpc({ grpc: method, request, metadata = {}, words }: GrpcCase): Promise<Answer> {
    const codec = protos.method<object, object>(DAPR_SERVICE, method);
    const filledRequest = JSON.parse(filled(JSON.stringify(request)), (_key, value: unknown) =>
      typeof value === 'object' && value !== null && 'bytes' in value
        ? Buffer.from(String(value.bytes))
        : value,
    ) as object;
    const bytes = Buffer.from(codec.request.encode(filledRequest));
    const outcome = await callRaw(client, `/${DAPR_SERVICE}/${method}`, bytes, {
      metadata: { ...metadata },
      call: { deadline: Date.now() + 20_000 },
    });
    const reply = outcome.bytes ? codec.response.decode(outcome.bytes) : undefined;
    const text = JSON.stringify(reply ?? null, (key, value: unknown) => {
      // Proto3 does not tell an unset field from one with its default.
      if (value === '' || value === 0 || value === '0' || value === false) return undefined;
      const isBytes = typeof value === 'string' && (key === 'value' || key === 'data');
      return isBytes ? bodyOf(Buffer.from(value, 'base64').toString()) : value;
    });
    const given = (reply as { etag?: unknown } | undefined)?.etag;
    if (typeof given === 'string' && given !== '') etag = given;
    return {
      code: outcome.code,
      ...(outcome.code === 0
        ? { reply: bodyOf(normalised(text, side)) }
        : {
            message: words === false ? '<words>' : normalised(outcome.message, side),
            details: detailsOf(outcome.trailers.get('grpc-status-details-bin')[0]),
          }),
    };
  }

  /** The requests since the last look, sorted: deliveries run beside each other. */
  async function app({ app: prefix, count }: AppCase): Promise<Answer> {
    const fresh = (): AppSeen[] =>
      side.seen.slice(seenSoFar).filter(({ path }) => path.startsWith(prefix));
    const until = Date.now() + APP_WAIT_MS;
    while (fresh().length < count && Date.now() < until) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    const requests = fresh().map(({ verb, path, headers, body }) => ({
      verb,
      path,
      headers: Object.fromEntries(
        Object.entries(headers)
          .filter(([name]) => !OWN_HEADERS.test(name))
          .map(([name, value]) => [name, normalised(value, side)]),
      ) as object,
      body: bodyOf(
        normalised(body, side).replace(
          /"data_base64":"([^"]+)"/,
          (_all, text: string) =>
            `"data_base64":"${Buffer.from(
              normalised(Buffer.from(text, 'base64').toString(), side),
            ).toString('base64')}"`,
        ),
      ),
    }));
    seenSoFar = side.seen.length;
    return { requests: inOrder(requests) };
  }

  return {
    run(one: Case): Promise<Answer> {
      if ('app' in one) return app(one);
      return 'grpc' in one ? grpc(one) : http(one);
    },
    [Symbol.dispose]() {
      agent.destroy();
      client.close();
    },
  };
}
