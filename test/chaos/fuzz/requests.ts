/** Damaged HTTP requests and gRPC messages, made from those that the comparison with daprd sends. */
import { protos } from '../../../runtime/transport/grpc/grpc.fixture.ts';
import { DAPR_SERVICE } from '../../../runtime/transport/grpc/dapr-methods.ts';
import { BLOCKS } from '../../compat/differential/blocks/index.ts';
import type { GrpcCase, HttpCase } from '../../compat/differential/case.ts';
import type { Dice } from '../random.ts';
import { damaged, damagedBytes, pick, twisted } from './mutate.ts';

/** Those that wait for retries of what is not there would only fill the time. */
const SLOW = /nobody|Nobody|InvokeService/i;
const CASES = BLOCKS.flatMap(({ cases }) => cases).filter((one) => !SLOW.test(JSON.stringify(one)));
const HTTP = CASES.filter((one): one is HttpCase => 'verb' in one);
const GRPC = CASES.filter((one): one is GrpcCase => 'grpc' in one);
const VERBS = ['GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'HEAD', 'OPTIONS', 'PROPFIND', 'X', 'get'];
/** What no request line can hold; a lone half of a pair would not even become UTF-8. */
const PARTS = /[^\u0021-\u007e]/gu;

export interface Bytes {
  readonly verb: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export function httpRequest(dice: Dice): Bytes {
  const one = pick(dice, HTTP);
  const { verb, headers = {} } = one;
  let { path, body = '' } = one;
  if (dice.falls(0.4)) path = damaged(dice, path);
  if (typeof body === 'object' && dice.falls(0.5)) body = twisted(dice, body);
  let text = typeof body === 'string' ? body : JSON.stringify(body);
  if (dice.falls(0.3)) text = damaged(dice, text);
  const pairs = Object.entries(headers).map(([name, value]) => [
    name,
    dice.falls(0.2) ? damaged(dice, value).replace(PARTS, '') : value.replaceAll('{etag}', 'e'),
  ]);
  return {
    verb: dice.falls(0.1) ? pick(dice, VERBS) : verb,
    // A path that would end the first line is a matter of the HTTP parser.
    path: `/${path.toWellFormed().replace(PARTS, encodeURIComponent).replace(/^\/+/, '')}`,
    headers: Object.fromEntries(pairs) as Record<string, string>,
    body: text ?? '',
  };
}

export interface Message {
  readonly method: string;
  readonly bytes: Uint8Array;
}

const encoded = GRPC.map(({ grpc, request }): Message => {
  const text = JSON.stringify(request).replaceAll('{etag}', 'e');
  const message = JSON.parse(text, (_key, value: unknown) =>
    typeof value === 'object' && value !== null && 'bytes' in value
      ? Buffer.from(String(value.bytes))
      : value,
  ) as object;
  const codec = protos.method<object, object>(DAPR_SERVICE, grpc);
  return { method: grpc, bytes: codec.request.encode(message) };
});

export function grpcMessage(dice: Dice): Message {
  const one = pick(dice, encoded);
  const method = dice.falls(0.1) ? pick(dice, encoded).method : one.method;
  return { method, bytes: dice.falls(0.8) ? damagedBytes(dice, one.bytes) : one.bytes };
}

export function cloudEvent(dice: Dice): Bytes {
  const event = {
    specversion: '1.0',
    id: 'e-1',
    source: 'shop',
    type: 'order',
    topic: 'plain',
    time: '2026-01-01T00:00:00Z',
    datacontenttype: 'application/json',
    traceparent: `00-${'1'.repeat(32)}-${'2'.repeat(16)}-01`,
    expiration: '2126-01-01T00:00:00Z',
    data: { size: 4 },
  };
  const text = JSON.stringify(twisted(dice, event));
  const topic = pick(dice, ['plain', 'routed', 'raw', 'dropped', 'bulk', 'missing']);
  return {
    verb: 'POST',
    path: `/v1.0/publish/pubsub/${topic}`,
    headers: { 'content-type': 'application/cloudevents+json' },
    body: dice.falls(0.3) ? damaged(dice, text) : text,
  };
}
