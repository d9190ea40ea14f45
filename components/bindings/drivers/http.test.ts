import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createTestClock, testOptions } from '../../test-clock.ts';
import { bindingConformance } from '../conformance/suite.ts';
import type { Binding } from '../contract.ts';
import { driver } from './http.ts';

interface Seen {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

const seen: Seen[] = [];
function answer(request: Seen, res: ServerResponse): void {
  const { pathname } = new URL(request.url, 'http://x');
  if (pathname.startsWith('/status/')) res.writeHead(Number(pathname.slice(8))).end('the body');
  else if (pathname === '/redirect') res.writeHead(302, { location: '/target' }).end();
  else if (pathname === '/loop') res.writeHead(307, { location: '/loop' }).end();
  else if (pathname === '/large') res.end('x'.repeat(5000));
  else if (pathname !== '/silent')
    res.writeHead(200, { 'x-one': ['a', 'b'], 'content-type': 'text/plain' }).end('ok');
}

const server = createServer((req, res) => {
  void (async () => {
    const chunks: Buffer[] = [];
    for await (const chunk of req) chunks.push(chunk as Buffer);
    const { method = '', url = '', headers } = req;
    const request = { method, url, headers, body: Buffer.concat(chunks).toString() };
    seen.push(request);
    answer(request, res);
  })();
});
let base = '';
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

const clock = createTestClock();
const create = (metadata: Record<string, string> = {}): Promise<Binding> =>
  driver.create(testOptions('bindings.http', { url: base, ...metadata }, clock), {
    signal: new AbortController().signal,
  });

bindingConformance({
  name: 'bindings.http',
  create: () => create(),
  features: ['OUTPUT_BINDING'],
});

const request = (operation: string, metadata: Record<string, string> = {}, data = '') => ({
  operation,
  data: Buffer.from(data),
  metadata,
});

describe('bindings.http', () => {
  it.each(['create', 'get', 'head', 'post', 'put', 'patch', 'delete', 'options', 'trace'])(
    'has %s as a method, with a body where it has one',
    async (operation) => {
      await using binding = await create();
      await binding.invoke(request(operation, { path: '/x?y=1' }, '{"a":1}'));
      const { method, url, body, headers } = seen.at(-1)!;
      expect([method, url]).toEqual([
        operation === 'create' ? 'POST' : operation.toUpperCase(),
        '/x?y=1',
      ]);
      const hasBody = ['create', 'post', 'put', 'patch'].includes(operation);
      expect(body).toBe(hasBody ? '{"a":1}' : '');
      expect(headers['content-type']).toBe(hasBody ? 'application/json; charset=utf-8' : undefined);
      expect(headers['accept']).toBe('application/json; charset=utf-8');
    },
  );

  it('sends metadata in capitals, its token and the trace as headers, and nothing else', async () => {
    await using binding = await create({ securityToken: 't', securityTokenHeader: 'X-Token' });
    await binding.invoke(
      request('post', {
        'Content-Type': 'text/plain',
        'X-Custom': 'c',
        lower: 'no',
        traceparent: '00-1-2-01',
      }),
    );
    expect(seen.at(-1)!.headers).toMatchObject({
      'content-type': 'text/plain',
      'x-custom': 'c',
      'x-token': 't',
      traceparent: '00-1-2-01',
    });
    expect(seen.at(-1)!.headers).not.toHaveProperty('lower');
  });

  it('gives status and headers back as metadata, and the body', async () => {
    await using binding = await create();
    const { data, metadata, failure } = await binding.invoke(request('get'));
    expect([String(Buffer.from(data!)), failure]).toEqual(['ok', undefined]);
    expect(metadata).toMatchObject({
      statusCode: '200',
      status: '200 OK',
      'Content-Type': 'text/plain',
      'X-One': 'a, b',
    });
  });

  it('fails with what was answered, unless told that any status is fine', async () => {
    await using binding = await create();
    const failed = await binding.invoke(request('get', { path: 'status/404' }));
    expect(failed).toMatchObject({
      failure: 'received status code 404',
      metadata: { statusCode: '404' },
    });
    expect(String(Buffer.from(failed.data!))).toBe('the body');
    const fine = await binding.invoke(
      request('get', { path: 'status/500', errorIfNot2XX: 'false' }),
    );
    expect(fine.failure).toBeUndefined();
    await using lax = await create({ errorIfNot2XX: 'false' });
    expect((await lax.invoke(request('get', { path: 'status/404' }))).failure).toBeUndefined();
  });

  it('follows redirects, a POST as a GET, and gives up a circle', async () => {
    await using binding = await create();
    await binding.invoke(request('post', { path: 'redirect' }, 'x'));
    expect([seen.at(-1)!.method, seen.at(-1)!.url]).toEqual(['GET', '/target']);
    await expect(binding.invoke(request('get', { path: 'loop' }))).rejects.toThrow(/10 redirects/);
  });

  it('reads no more of an answer than it may', async () => {
    await using binding = await create({ maxResponseBodySize: '1Ki' });
    expect((await binding.invoke(request('get', { path: 'large' }))).data).toHaveLength(1024);
  });

  it('gives up an answer that is late, and one that nobody waits for', async () => {
    await using binding = await create({ responseTimeout: '5s' });
    const before = seen.length;
    const late = binding.invoke(request('get', { path: 'silent' }));
    await vi.waitFor(() => expect(seen.length).toBe(before + 1));
    clock.advance(5000);
    await expect(late).rejects.toMatchObject({ code: 'UNAVAILABLE', retryable: false });
    const leaving = new AbortController();
    const left = binding.invoke(request('get', { path: 'silent' }), { signal: leaving.signal });
    leaving.abort();
    await expect(left).rejects.toMatchObject({ code: 'CANCELLED' });
  });

  it.each([
    [{ url: 'nowhere' }, '"url"'],
    [{ url: 'ftp://x' }, '"url"'],
    [{ maxResponseBodySize: 'much' }, '"maxResponseBodySize"'],
    [{ MTLSRootCA: '/no/such/file' }, '"MTLSRootCA"'],
    [{ MTLSClientCert: '-----BEGIN CERTIFICATE-----' }, '"MTLSClientKey"'],
    [{ MTLSRenegotiation: 'RenegotiateFreelyAsClient' }, '"MTLSRenegotiation"'],
  ])('refuses %j', async (metadata, named) => {
    const creating = create(metadata as Record<string, string>);
    await expect(creating).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    await expect(creating).rejects.toThrow(named);
  });
});
