import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { component } from '../index.ts';
import { openApi } from './api.fixture.ts';
import { openApp } from './app.fixture.ts';

const rootPath = mkdtempSync(join(tmpdir(), 'troupe-bindings-'));
afterAll(() => rmSync(rootPath, { recursive: true, force: true }));

const state = component('statestore', 'state.in-memory', { actorStateStore: 'true' });
const files = component('files', 'bindings.localstorage', { rootPath });
const often = (metadata: Record<string, string> = {}) =>
  component('often', 'bindings.cron', { schedule: '@every 20ms', ...metadata });

describe('output bindings over HTTP', () => {
  it.each(['POST', 'PUT'])('%s runs an operation', async (method) => {
    await using api = await openApi({ components: [state, files] });
    const run = (body: unknown) => api.send(method, '/v1.0/bindings/files', { body });
    const metadata = { fileName: `${method}.txt` };
    const created = await run({ operation: 'create', data: 'hello', metadata });
    expect([created.status, created.json]).toEqual([200, { fileName: `${method}.txt` }]);
    expect(readFileSync(join(rootPath, `${method}.txt`), 'utf8')).toBe('hello');
    const read = await run({ operation: 'get', metadata });
    expect([read.status, read.text]).toEqual([200, 'hello']);
    const deleted = await run({ operation: 'delete', metadata });
    expect([deleted.status, deleted.text]).toEqual([204, '']);
  });

  it('give their metadata as headers, with an error too', async () => {
    await using app = await openApp(({ path }) =>
      path === '/missing' ? { status: 404, body: 'no' } : { status: 201, body: '{"ok":1}' },
    );
    const url = `http://127.0.0.1:${app.port}`;
    await using api = await openApi({
      components: [state, component('hook', 'bindings.http', { url })],
    });
    const run = (metadata: object) =>
      api.send('POST', '/v1.0/bindings/hook', {
        body: { operation: 'post', data: { a: 1 }, metadata },
        headers: { traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' },
      });
    const done = await run({ 'X-Custom': 'c' });
    expect([done.status, done.json, done.headers.get('metadata.statuscode')]).toEqual([
      200,
      { ok: 1 },
      '201',
    ]);
    expect(app.seen[0]).toMatchObject({
      text: '{"a":1}',
      headers: {
        'x-custom': 'c',
        traceparent: expect.stringContaining('0af7651916cd43dd') as string,
      },
    });
    const failed = await run({ path: 'missing' });
    expect([failed.status, failed.json, failed.headers.get('metadata.statuscode')]).toEqual([
      500,
      {
        errorCode: 'ERR_INVOKE_OUTPUT_BINDING',
        message: 'error invoking output binding hook: received status code 404',
      },
      '404',
    ]);
  });

  it.each([
    ['none', { operation: 'create' }, "couldn't find output binding none"],
    ['often', { operation: 'create' }, "couldn't find output binding often"],
    ['files', {}, 'operation field is missing from request'],
    ['files', { operation: 'fly' }, 'supported operations:create get list delete'],
    ['files', { operation: 'get', metadata: { fileName: 'none' } }, 'file not found: none'],
  ])('%s with %j fail by name', async (name, body, message) => {
    await using api = await openApi({ components: [state, files, often()] });
    const answer = await api.send('POST', `/v1.0/bindings/${name}`, { body });
    expect([answer.status, answer.json]).toMatchObject([
      500,
      { errorCode: 'ERR_INVOKE_OUTPUT_BINDING' },
    ]);
    expect((answer.json as { message: string }).message).toContain(message);
  });

  it.each(['{', '[]', '{"operation": 1}', '{"operation": "get", "metadata": 1}'])(
    'refuse the body %s',
    async (body) => {
      await using api = await openApi({ components: [state, files] });
      const answer = await api.send('POST', '/v1.0/bindings/files', { body });
      expect([answer.status, answer.json]).toMatchObject([
        400,
        { errorCode: 'ERR_MALFORMED_REQUEST' },
      ]);
    },
  );
});

describe('input bindings', () => {
  it.each([200, 204, 405])(
    'are delivered to an app that answers OPTIONS with %i',
    async (status) => {
      await using app = await openApp(({ method }) => ({
        status: method === 'OPTIONS' ? status : 200,
      }));
      await using _api = await openApi({ components: [state, often()], appPort: app.port });
      await vi.waitFor(() => expect(app.seen.length).toBeGreaterThan(2));
      const [probe, event] = app.seen as [(typeof app.seen)[0], (typeof app.seen)[0]];
      expect([probe.method, probe.path]).toEqual(['OPTIONS', '/often']);
      expect([event.method, event.path, event.text]).toEqual(['POST', '/often', '']);
      expect(event.headers).toMatchObject({
        'content-type': 'application/json',
        timezone: 'Local',
        readtimeutc: expect.stringMatching(/^\d{4}-.* UTC$/) as string,
      });
    },
  );

  it('are not delivered to an app that does not take them, or while they are outputs only', async () => {
    await using app = await openApp(({ method }) => ({ status: method === 'OPTIONS' ? 404 : 200 }));
    const others = component('other', 'bindings.cron', {
      schedule: '@every 20ms',
      direction: 'input',
    });
    const output = component('output', 'bindings.cron', {
      schedule: '@every 20ms',
      direction: 'output',
    });
    await using _api = await openApi({
      components: [state, often(), others, output],
      appPort: app.port,
    });
    await vi.waitFor(() => expect(app.seen.length).toBeGreaterThan(4));
    expect(new Set(app.seen.map(({ method, path }) => `${method} ${path}`))).toEqual(
      new Set(['OPTIONS /often', 'POST /other']),
    );
  });

  it('go to their route, unasked with the direction input, and past an app that fails', async () => {
    await using app = await openApp(() => ({ status: 500 }));
    const metadata = { direction: 'input, output', route: '/in/events' };
    await using _api = await openApi({ components: [state, often(metadata)], appPort: app.port });
    await vi.waitFor(() => expect(app.seen.length).toBeGreaterThan(2));
    expect(new Set(app.seen.map(({ method, path }) => `${method} ${path}`))).toEqual(
      new Set(['POST /in/events']),
    );
  });
});
