import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { component } from '../index.ts';
import { openApi } from './api.fixture.ts';
import { openApp } from './app.fixture.ts';

const folder = mkdtempSync(join(tmpdir(), 'troupe-jobs-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const base = '/v1.0/jobs';

describe('jobs over HTTP', () => {
  it.each([
    ['"some text"', '"some text"'],
    ['"\\"quoted\\""', '"\\"quoted\\""'],
    ['123', '123'],
    ['  { "a":  [1, null] } ', '{"a":[1,null]}'],
    [
      '{"@type":"type.googleapis.com/google.protobuf.StringValue","value": "x"}',
      '{"@type":"type.googleapis.com/google.protobuf.StringValue","value":"x"}',
    ],
    [undefined, ''],
  ])('with the data %s post %s to the app', async (data, posted) => {
    await using app = await openApp();
    await using api = await openApi({ appPort: app.port });
    const body = `{"dueTime": "0s"${data === undefined ? '' : `, "data": ${data}`}}`;
    const answer = await api.send('POST', `${base}/report`, { body });
    expect([answer.status, answer.text]).toEqual([204, '']);
    await vi.waitFor(() => expect(app.seen).toHaveLength(1));
    const { method, path, headers, text } = app.seen[0]!;
    expect([method, path, headers['content-type'], text]).toEqual([
      'POST',
      '/job/report',
      'application/json',
      posted,
    ]);
  });

  it.each(['v1.0', 'v1.0-alpha1'])(
    '%s are shown as they were asked for, and deleted',
    async (v) => {
      await using api = await openApi();
      const job = {
        schedule: '@every 1m',
        repeats: 123,
        due_time: '1000s',
        ttl: '123s',
        data: { hello: 'world' },
        failure_policy: { constant: { interval: '3s', max_retries: 5 } },
      };
      expect((await api.send('POST', `/${v}/jobs/a`, { body: job })).status).toBe(204);
      expect((await api.send('GET', `/${v}/jobs/a`)).json).toEqual({
        name: 'a',
        schedule: '@every 1m',
        repeats: 123,
        dueTime: '1000s',
        ttl: '123s',
        data: { '@type': 'type.googleapis.com/google.protobuf.Value', value: { hello: 'world' } },
        failurePolicy: { constant: { interval: '3s', maxRetries: 5 } },
      });
      await api.send('POST', `/${v}/jobs/b`, {
        body: { dueTime: '1h', failurePolicy: { drop: {} } },
      });
      expect((await api.send('GET', `/${v}/jobs/b`)).json).toEqual({
        name: 'b',
        dueTime: '1h',
        failurePolicy: { drop: {} },
      });
      for (const name of ['a', 'a', 'never']) {
        expect((await api.send('DELETE', `/${v}/jobs/${name}`)).status).toBe(204);
      }
      const gone = await api.send('GET', `/${v}/jobs/a`);
      expect([gone.status, gone.json]).toMatchObject([
        500,
        {
          errorCode: 'DAPR_SCHEDULER_GET_JOB',
          message: 'failed to get job due to: job not found: a',
          details: [{ reason: 'DAPR_SCHEDULER_GET_JOB', domain: 'dapr.io' }],
        },
      ]);
    },
  );

  it('are refused once they exist, unless overwritten', async () => {
    await using api = await openApi();
    const post = (body: object) => api.send('POST', `${base}/a`, { body });
    expect((await post({ schedule: '@daily' })).status).toBe(204);
    const again = await post({ schedule: '@weekly' });
    expect([again.status, again.json]).toMatchObject([
      409,
      { errorCode: 'DAPR_SCHEDULER_SCHEDULE_JOB' },
    ]);
    expect((await post({ schedule: '@weekly', overwrite: true })).status).toBe(204);
    expect((await api.send('GET', `${base}/a`)).json).toMatchObject({ schedule: '@weekly' });
  });

  it.each([
    ['a', '{}', 400, 'DAPR_SCHEDULER_SCHEDULE_EMPTY', 'Schedule is empty'],
    ['a', '', 400, 'DAPR_SCHEDULER_SCHEDULE_EMPTY', 'Schedule is empty'],
    ['%20', '{"schedule": "@daily"}', 400, 'DAPR_SCHEDULER_JOB_NAME_EMPTY', 'Name is empty'],
    ['a', '{"name": "b"}', 400, 'DAPR_SCHEDULER_JOB_NAME', 'Set the job name in the url only'],
    ['a', '[{}]', 400, 'ERR_MALFORMED_REQUEST', 'must be an object'],
    ['a', '{"schedule": "@daily", "repeats": -1}', 400, 'ERR_MALFORMED_REQUEST', 'repeats'],
    ['a', '{"schedule": 5}', 400, 'ERR_MALFORMED_REQUEST', 'schedule must be a string'],
    ['a', '{"schedule": "@every 0s"}', 500, 'DAPR_SCHEDULER_SCHEDULE_JOB', 'longer than zero'],
    ['a', '{"schedule": "x"}', 500, 'DAPR_SCHEDULER_SCHEDULE_JOB', 'failed to schedule job due to'],
  ])('named %s with %s are answered %i %s', async (name, body, status, errorCode, message) => {
    await using api = await openApi();
    const answer = await api.send('POST', `${base}/${name}`, { body });
    expect([answer.status, answer.json]).toMatchObject([status, { errorCode }]);
    expect((answer.json as { message: string }).message).toContain(message);
  });

  it('come at once as often as they are to, when their period is nothing', async () => {
    await using app = await openApp(() => ({ status: 200 }));
    await using api = await openApi({ appPort: app.port });
    const body = { schedule: '@every 0s', repeats: 3 };
    expect((await api.send('POST', `${base}/burst`, { body })).status).toBe(204);
    await vi.waitFor(async () => {
      expect((await api.send('GET', `${base}/burst`)).status).toBe(500);
    });
    expect(app.seen).toHaveLength(3);
  });

  it('that the app does not know are dropped; that it fails are tried again', async () => {
    await using app = await openApp(({ path }, count) => ({
      status: path === '/job/unknown' ? 404 : count < 3 ? 500 : 200,
    }));
    await using api = await openApi({ appPort: app.port });
    const failurePolicy = { constant: { interval: '0.02s', maxRetries: 3 } };
    await api.send('POST', `${base}/fails`, { body: { dueTime: '0s', failurePolicy } });
    await vi.waitFor(() => expect(app.seen).toHaveLength(3));
    await api.send('POST', `${base}/unknown`, { body: { dueTime: '0s', failurePolicy } });
    await vi.waitFor(async () => {
      expect((await api.send('GET', `${base}/unknown`)).status).toBe(500);
      expect((await api.send('GET', `${base}/fails`)).status).toBe(500);
    });
    expect(app.seen.map(({ path }) => path)).toEqual([
      '/job/fails',
      '/job/fails',
      '/job/fails',
      '/job/unknown',
    ]);
  });

  it('wait for an app, in the file of the actors, whatever becomes of the host', async () => {
    const components = [
      component('statestore', 'state.sqlite', {
        actorStateStore: 'true',
        connectionString: join(folder, 'jobs.db'),
      }),
    ];
    {
      await using api = await openApi({ components });
      await api.send('POST', `${base}/report`, { body: { dueTime: '0s', data: 1 } });
      expect((await api.send('GET', `${base}/report`)).status).toBe(200);
    }
    await using app = await openApp();
    await using api = await openApi({ components, appPort: app.port });
    await vi.waitFor(() => expect(app.seen.map(({ path }) => path)).toEqual(['/job/report']));
    await vi.waitFor(async () => {
      expect((await api.send('GET', `${base}/report`)).status).toBe(500);
    });
  });
});
