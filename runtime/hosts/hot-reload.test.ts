import { mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ALL_KINDS, parseResources, type ParsedResources } from '../config/resources.ts';
import { createLoader, type Loader } from './component-probe.ts';
import { startHotReload, type HotReload } from './hot-reload.ts';
import type { LoadedComponents } from './loaded-components.ts';
import { createSystemClock } from './system-clock.ts';

const head = (kind: string, name: string) =>
  `apiVersion: dapr.io/v1alpha1\nkind: ${kind}\nmetadata: { name: ${name} }\n`;
const component = (name: string, type: string, metadata = '[]') =>
  `${head('Component', name)}spec: { type: ${type}, version: v1, metadata: ${metadata} }\n`;
const subscription = (topic: string) =>
  `${head('Subscription', 'sub')}spec: { pubsubname: p, topic: ${topic}, route: /x }\n`;

let folder: string;
let trial: Loader;
let loaded: LoadedComponents;
let reload: HotReload;
let declared: string[];
let restarts: string[];
let failures: string[];

const read = async (): Promise<ParsedResources> => {
  const names = (await readdir(folder)).toSorted();
  const files = names.map(async (path) => ({
    path,
    text: await readFile(join(folder, path), 'utf8'),
  }));
  return parseResources(await Promise.all(files), { kinds: ALL_KINDS, broken: 'report' });
};
/** In one step: it is being watched, and may be read at any moment. */
async function write(name: string, text: string): Promise<void> {
  const made = `${folder}.new`;
  await writeFile(made, text);
  await rename(made, join(folder, name));
}

async function start(files: Record<string, string>): Promise<void> {
  for (const [name, text] of Object.entries(files)) await write(name, text);
  const initial = await read();
  loaded = await trial.load(initial.components);
  reload = startHotReload({
    paths: [folder],
    read,
    initial,
    components: loaded,
    declare: async (specs) => void declared.push(specs.map(({ topic }) => topic).join(',')),
    restart: (why) => void restarts.push(why),
    fail: ({ message }) => void failures.push(message),
    clock: createSystemClock(),
    logger: { debug() {}, info() {}, warn() {}, error: (_f, m) => void errors.push(m) },
  });
}

let errors: string[];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'troupe-reload-'));
  trial = createLoader();
  [declared, restarts, failures, errors] = [[], [], [], []];
});
afterEach(async () => {
  await reload.close();
  await loaded.close();
  await rm(folder, { recursive: true });
});

const names = () => loaded.list.map(({ name }) => name);

describe('a file that changes', () => {
  it('is noticed by itself', async () => {
    await start({ 'a.yaml': component('a', 'state.in-memory') });
    await write('b.yaml', component('b', 'pubsub.in-memory'));
    await vi.waitFor(() => expect(names()).toEqual(['a', 'b']));
    await rm(join(folder, 'a.yaml'));
    await vi.waitFor(() => expect(names()).toEqual(['b']));
  });

  it('replaces what it says otherwise and touches nothing else', async () => {
    await start({
      'a.yaml': component('a', 'state.probe', '[{ name: url, value: one }]'),
      'b.yaml': component('b', 'state.probe'),
    });
    const changed = component('a', 'state.probe', '[{ name: url, value: two }]');
    await write('a.yaml', `# A comment moves lines.\n${changed}`);
    await reload.reconcile();
    expect(trial.events).toEqual(['open a', 'open b', 'open a', 'close a']);
    await write('a.yaml', changed);
    await reload.reconcile();
    expect(trial.events).toHaveLength(4);
  });

  it('puts other subscriptions in place', async () => {
    await start({ 's.yaml': subscription('one') });
    await write('s.yaml', subscription('two'));
    await reload.reconcile();
    await reload.reconcile();
    expect(declared).toEqual(['two']);
  });

  it.each([
    ['Resiliency', `${head('Resiliency', 'r')}spec: { policies: { timeouts: { t: 1s } } }\n`],
    ['HTTPEndpoint', `${head('HTTPEndpoint', 'h')}spec: { baseUrl: "http://x.example" }\n`],
    ['Configuration', `${head('Configuration', 'c')}spec: { tracing: { samplingRate: "1" } }\n`],
  ])('has the host start again when it is a %s', async (kind, text) => {
    await start({});
    await write('x.yaml', text);
    await reload.reconcile();
    expect(restarts).toHaveLength(1);
    expect(restarts[0]).toContain(kind);
  });

  const forActors = component('s', 'state.in-memory', '[{ name: actorStateStore, value: "true" }]');
  const aborted = (type: string) =>
    `Aborting to hot-reload a state store component that is used as an actor state store: s (${type}/v1)`;

  it('leaves the store that keeps the actors as it is', async () => {
    await start({ 's.yaml': forActors });
    await write('s.yaml', component('s', 'pubsub.in-memory'));
    await reload.reconcile();
    await rm(join(folder, 's.yaml'));
    await reload.reconcile();
    expect(errors).toEqual([aborted('pubsub.in-memory'), aborted('state.in-memory')]);
    expect(loaded.list).toMatchObject([{ name: 's', type: 'state.in-memory' }]);
  });

  it('adds no store for actors', async () => {
    await start({});
    await write('s.yaml', forActors);
    await reload.reconcile();
    expect(errors).toEqual([aborted('state.in-memory')]);
    expect(names()).toEqual([]);
  });
});

describe('a file that is broken', () => {
  it('is reported with its line, and what it said before stays', async () => {
    await start({ 'a.yaml': component('a', 'state.in-memory'), 's.yaml': subscription('one') });
    await write('a.yaml', 'apiVersion: dapr.io/v1alpha1\nkind: [\n');
    await write('s.yaml', subscription('one').replace('topic: one', 'other: one'));
    await reload.reconcile();
    expect(names()).toEqual(['a']);
    expect(declared).toEqual([]);
    expect(errors).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/a\.yaml:\d+:\d+: not YAML/),
        expect.stringMatching(/s\.yaml:4:\d+: spec: topic is missing/),
      ]),
    );
    await rm(join(folder, 'a.yaml'));
    await reload.reconcile();
    expect(names()).toEqual([]);
  });

  it('and names a component that cannot be opened ends the host without the old one', async () => {
    await start({ 'a.yaml': component('a', 'state.in-memory') });
    await write('a.yaml', component('a', 'state.unheard-of'));
    await reload.reconcile();
    expect(names()).toEqual([]);
    expect(failures.join()).toMatch(
      /^process component a error: \[INIT_COMPONENT_FAILURE\]: initialization error occurred for a \(state\.unheard-of\/v1\): .*not known/,
    );
  });

  it('and names one whose errors are to be ignored leaves it missing until it changes', async () => {
    await start({ 'a.yaml': component('a', 'state.in-memory') });
    const broken = component('a', 'state.unheard-of');
    await write('a.yaml', broken.replace('spec: {', 'spec: { ignoreErrors: true,'));
    await reload.reconcile();
    await reload.reconcile();
    expect(names()).toEqual([]);
    expect(failures).toEqual([]);
    expect(errors.filter((text) => text.startsWith('Ignoring error'))).toHaveLength(1);
    await write('a.yaml', component('a', 'state.probe'));
    await reload.reconcile();
    expect(loaded.list).toMatchObject([{ name: 'a', type: 'state.probe' }]);
  });

  it('with two components of one name ends the host', async () => {
    await start({ 'a.yaml': component('a', 'state.in-memory') });
    await write('b.yaml', component('a', 'pubsub.in-memory'));
    await reload.reconcile();
    expect(failures).toEqual([
      'failed to load resources from disk: duplicate definition of Component name a (pubsub.in-memory/v1) with existing a (state.in-memory/v1)',
    ]);
  });
});
