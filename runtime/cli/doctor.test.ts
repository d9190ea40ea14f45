import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { run } from './main.ts';

let folder: string;
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'troupe-doctor-'))));
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Runs the doctor on one file of this text. */
async function doctor(text: string, ...flags: string[]) {
  const out: string[] = [];
  await writeFile(join(folder, 'all.yaml'), text);
  const code = await run(['doctor', 'all.yaml', ...flags], {
    cwd: folder,
    env: { SET: 'yes' },
    stdout: { write: (line) => out.push(line) },
    stderr: { write: (line) => out.push(line) },
    stop: new AbortController().signal,
  });
  return { code, out: out.join('') };
}

/** One component: its items stand from line 8 on. */
const component = (name: string, type: string, items: readonly string[] = [], more = '') =>
  `apiVersion: dapr.io/v1alpha1
kind: Component
metadata:
  name: ${name}
spec:
  type: ${type}
  metadata:${items.length === 0 ? ' []' : ''}
${items.map((item) => `    - ${item}\n`).join('')}${more}`;

describe('troupe doctor', () => {
  it('finds nothing wrong with what is right, also when it opens it', async () => {
    const text = [
      component('store', 'state.in-memory', ['{ name: actorStateStore, value: "true" }']),
      component('pubsub', 'pubsub.in-memory'),
      'apiVersion: dapr.io/v2alpha1\nkind: Subscription\nmetadata: { name: s }\nspec: { pubsubname: pubsub, topic: t, routes: { default: /t } }\n',
    ].join('---\n');
    expect(await doctor(text)).toEqual({ code: 0, out: '3 resources in 1 file: nothing wrong\n' });
    expect(await doctor(text, '--ping')).toEqual({
      ...{ code: 0, out: '3 resources in 1 file, opened: nothing wrong\n' },
    });
  });

  it.each([
    [
      'an unknown type',
      component('c', 'state.redsi'),
      /^all\.yaml:1: error: component "c": component type "state\.redsi" is not known; did you mean "state\.redis"\?/,
    ],
    [
      'an unknown field',
      component('c', 'state.redis', [
        '{ name: redisHost, value: x }',
        '{ name: redisPasword, value: x }',
      ]),
      /^all\.yaml:9: error: component "c": metadata field "redisPasword" is not known; did you mean "redisPassword"\?/,
    ],
    [
      'a missing field',
      component('c', 'state.redis'),
      /error: component "c": metadata field "redisHost" is missing/,
    ],
    [
      'a field that no component has',
      component('c', 'state.in-memory', [], 'scpoes: [a]'),
      /^all\.yaml:8: error: .*scpoes.*did you mean "scopes"\?/,
    ],
    [
      'an unknown kind',
      'apiVersion: dapr.io/v1alpha1\nkind: Componnent\n',
      /^all\.yaml:2: error: .*unknown kind "Componnent", did you mean "Component"\?/,
    ],
    [
      'an environment variable that is not set',
      component('c', 'state.redis', ['{ name: redisHost, envRef: NOT_SET }']),
      /^all\.yaml:8: error: component "c": metadata field "redisHost": the environment variable NOT_SET is not set/,
    ],
    [
      'a secret without a store',
      component('c', 'state.redis', ['{ name: redisHost, secretKeyRef: { name: s, key: s } }']),
      /^all\.yaml:8: error: component "c": .*names no secret store/,
    ],
    [
      'a second store of actors',
      ['a', 'b']
        .map((name) =>
          component(name, 'state.in-memory', ['{ name: actorStateStore, value: "true" }']),
        )
        .join('---\n'),
      /all\.yaml:\d+: error: component "b": "a" keeps the actors already/,
    ],
    [
      'a subscription to nothing',
      'apiVersion: dapr.io/v2alpha1\nkind: Subscription\nmetadata: { name: s }\nspec: { pubsubname: gone, topic: t, routes: { default: /t } }\n',
      /error: subscription "s": names the pub\/sub component "gone"/,
    ],
    [
      'a resolver among components',
      component('c', 'nameresolution.mdns'),
      /belongs into spec\.nameResolution/,
    ],
  ])('tells %s with its place, and ends with 1', async (_, text, message) => {
    const { code, out } = await doctor(text);
    expect(out).toMatch(message);
    expect(out).toMatch(/1 error, 0 warnings\n$/);
    expect(code).toBe(1);
  });

  it('tells a secret that its store does not have', async () => {
    await writeFile(join(folder, 'secrets.json'), '{"known": "x"}');
    const store = component('secrets', 'secretstores.local.file', [
      `{ name: secretsFile, value: "${join(folder, 'secrets.json')}" }`,
    ]);
    const using = (key: string) =>
      component(
        'c',
        'state.redis',
        [`{ name: redisHost, secretKeyRef: { name: ${key}, key: ${key} } }`],
        'auth: { secretStore: secrets }\n',
      );
    expect((await doctor(`${store}---\n${using('known')}`)).code).toBe(0);
    const { code, out } = await doctor(`${store}---\n${using('unknown')}`);
    expect(out).toMatch(
      /error: component "c": metadata field "redisHost": secret "unknown" of store "secrets"/,
    );
    expect(code).toBe(1);
  });

  it('opens with --ping and tells who does not answer and what is malformed', async () => {
    const text = [
      component('away', 'state.redis', ['{ name: redisHost, value: "127.0.0.1:1" }']),
      component('wrong', 'state.sqlite', [
        '{ name: connectionString, value: ":memory:" }',
        '{ name: timeout, value: soon }',
      ]),
    ].join('---\n');
    expect((await doctor(text)).code).toBe(0);
    const { code, out } = await doctor(text, '--ping', '-o', 'json');
    const report = JSON.parse(out) as {
      ok: boolean;
      findings: { resource: string; message: string }[];
    };
    expect(code).toBe(1);
    expect(report).toMatchObject({ ok: false, files: 1, resources: 2, pinged: true });
    expect(report.findings).toEqual([
      expect.objectContaining({
        level: 'error',
        line: 1,
        resource: 'component "away"',
        message: expect.stringContaining('cannot reach redis at 127.0.0.1:1') as string,
      }),
      expect.objectContaining({
        resource: 'component "wrong"',
        message: expect.stringContaining('"timeout" is not a duration') as string,
      }),
    ]);
  });

  it('ends with 1 where nothing can be read, and with 2 for a wrong flag', async () => {
    expect((await doctor('', 'gone.yaml')).code).toBe(1);
    expect((await doctor('', '--pong')).code).toBe(2);
    expect((await doctor('', '-o', 'xml')).code).toBe(2);
  });
});
