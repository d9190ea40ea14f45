import type { Block, Case } from '../case.ts';

const VERBS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];
const PATHS = [
  '/v1.0/invoke/shop/method/echo',
  '/v1.0/invoke/shop/method/echo?a=1&b=x%20y&a=2',
  '/v1.0/invoke/shop/method/echo/deeper/path',
  '/v1.0/invoke/shop/method/echo/../echo',
  '/v1.0/invoke/shop/method/echo%2Fescaped',
  '/v1.0/invoke/shop/method/echo//double',
  '/v1.0/invoke/shop/method/',
  '/v1.0/invoke/shop/method',
  '/v1.0/invoke/shop',
  '/v1.0/invoke//method/echo',
  '/v1.0/invoke/nobody/method/echo',
  '/v1.0/invoke/shop.default/method/echo',
  '/v1.0/invoke/a.b.c/method/echo',
  '/v1.0/invoke/endpoint/method/echo',
  '/v1.0/invoke/shop/method/echo%00',
  '/v1.0/invoke/shop/method/echo%3Fq',
  '/v1.0/invoke/shop/method/echo%23h',
];

const call = (verb: string, path: string, body?: unknown, headers = {}): Case => ({
  verb,
  path,
  headers: { 'content-type': 'application/json', ...headers },
  ...(body === undefined ? {} : { body }),
});

export const invoke: Block[] = [
  {
    name: 'invoking the app over HTTP',
    cases: [
      ...VERBS.map((verb) =>
        call(verb, PATHS[0]!, verb === 'GET' ? undefined : { n: 1 }, { 'x-custom': 'v' }),
      ),
      ...PATHS.map((path): Case => ({ verb: 'POST', path, body: 'b', words: false })),
      { verb: 'GET', path: '/echo/by/header?x=1', headers: { 'dapr-app-id': 'shop' } },
      {
        verb: 'GET',
        path: '/echo/basic',
        headers: {
          authorization: `Basic ${Buffer.from('dapr-app-id:shop').toString('base64')}`,
        },
      },
      { verb: 'GET', path: '/echo/none', headers: { 'dapr-app-id': 'nobody' }, words: false },
      { verb: 'GET', path: '/echo/without' },
      ...[200, 201, 204, 400, 401, 403, 404, 409, 418, 429, 500, 503].map((status): Case =>
        call('GET', `/v1.0/invoke/shop/method/status/${status}`),
      ),
      call('GET', '/v1.0/invoke/shop/method/plain'),
      call('GET', '/v1.0/invoke/shop/method/none'),
      call('GET', '/v1.0/invoke/shop/method/moved'),
      call('GET', '/v1.0/invoke/shop/method/unknown'),
      call('POST', PATHS[0]!, '{"a":1}', {
        'dapr-caller-app-id': 'forged',
        'x-custom-two': 'a, b',
      }),
    ],
  },
  {
    name: 'invoking the app over gRPC',
    cases: [
      ...[1, 2, 3, 4, 5].map((verb): Case => ({
        grpc: 'InvokeService',
        request: {
          id: 'shop',
          message: {
            method: 'echo',
            data: { value: { bytes: '{"n":1}' } },
            contentType: 'application/json',
            httpExtension: { verb, querystring: 'a=1' },
          },
        },
      })),
      ...[200, 400, 401, 403, 404, 409, 429, 500, 503].map((status): Case => ({
        grpc: 'InvokeService',
        request: {
          id: 'shop',
          message: { method: `status/${status}`, httpExtension: { verb: 1 } },
        },
      })),
      {
        grpc: 'InvokeService',
        request: { id: 'nobody', message: { method: 'echo', httpExtension: { verb: 1 } } },
        words: false,
      },
      { grpc: 'InvokeService', request: { id: 'shop', message: { method: 'echo' } } },
      { grpc: 'InvokeService', request: { id: 'shop' }, words: false },
      { grpc: 'InvokeService', request: { message: { method: 'echo' } }, words: false },
    ],
  },
];
