import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, afterEach, expect, test } from 'vitest';
import { defaultStateFile, findPlaces, prepareState } from './places.ts';

let folder: string;
beforeEach(async () => void (folder = await mkdtemp(join(tmpdir(), 'places-'))));
afterEach(() => rm(folder, { recursive: true }));

const PUBSUB = `apiVersion: dapr.io/v1alpha1
kind: Component
metadata: { name: pubsub }
spec: { type: pubsub.in-memory, version: v1, metadata: [] }
`;
const store = (type: string, connection: string): string => `apiVersion: dapr.io/v1alpha1
kind: Component
metadata: { name: keeper }
spec:
  type: ${type}
  version: v1
  metadata:
    - { name: connectionString, value: "${connection}" }
    - { name: actorStateStore, value: "true" }
`;
const find = (options: { resourcesPaths?: readonly string[]; state?: string } = {}) =>
  findPlaces({ appId: 'order-day', env: { XDG_STATE_HOME: folder }, ...options });

test('without flags the state is in the user state folder, in the component that dapr/ names', async () => {
  const places = await find();
  expect(places.file).toBe(join(folder, 'troupe', 'order-day.db'));
  expect(places.components.map(({ name, type }) => [name, type])).toEqual([
    ['pubsub', 'pubsub.in-memory'],
    ['statestore', 'state.sqlite'],
  ]);
  expect(defaultStateFile({ XDG_STATE_HOME: 'relative' })).toMatch(
    /\.local\/state\/troupe\/order-day\.db$/,
  );
});

test('a resources path is taken as written, and --state replaces the component that keeps actors', async () => {
  await writeFile(join(folder, 'a.yaml'), PUBSUB);
  await writeFile(join(folder, 'b.yaml'), store('state.sqlite', 'file:x.db?_pragma=cache_size(9)'));
  expect((await find({ resourcesPaths: [folder] })).file).toBe(join(process.cwd(), 'x.db'));
  const places = await find({ resourcesPaths: [folder], state: `sqlite:${folder}/s.db` });
  expect(places.file).toBe(join(folder, 's.db'));
  expect(places.components.find(({ name }) => name === 'keeper')?.metadata).toContainEqual({
    name: 'connectionString',
    value: join(folder, 's.db'),
  });
});

test('resources without the pubsub of the shop, or with a slip in the YAML, are refused by name', async () => {
  await writeFile(join(folder, 'b.yaml'), store('state.sqlite', 'x.db'));
  await expect(find({ resourcesPaths: [folder] })).rejects.toThrow(
    /no pub\/sub component named "pubsub"/,
  );
  await writeFile(join(folder, 'a.yaml'), PUBSUB.replace('kind: Component', 'kind: Componemt'));
  await expect(find({ resourcesPaths: [folder] })).rejects.toThrow(
    /a\.yaml:2:\d+: kind: unknown kind "Componemt", did you mean "Component"/,
  );
  await expect(find({ resourcesPaths: [join(folder, 'none')] })).rejects.toThrow(/does not exist/);
});

test('starting afresh removes the database and what belongs to it', async () => {
  const places = await find({ state: `sqlite:${folder}/new/s.db` });
  await prepareState(places, true);
  const file = places.file!;
  await writeFile(file, 'SQLite format 3\0 and more');
  await writeFile(`${file}-wal`, 'x');
  await prepareState(places, false);
  expect((await stat(file)).size).toBeGreaterThan(0);
  await prepareState(places, true);
  await expect(stat(file)).rejects.toThrow(/ENOENT/);
  await expect(stat(`${file}-wal`)).rejects.toThrow(/ENOENT/);
});

test('starting afresh deletes no file that is not a database, and nothing it cannot reach', async () => {
  const file = join(folder, 'letter.txt');
  await writeFile(file, 'Dear customer, thank you');
  await expect(prepareState(await find({ state: `sqlite:${file}` }), true)).rejects.toThrow(
    /not a SQLite database/,
  );
  expect(await readFile(file, 'utf8')).toContain('Dear');
  await writeFile(join(folder, 'a.yaml'), PUBSUB);
  await writeFile(join(folder, 'b.yaml'), store('state.redis', 'localhost'));
  await expect(prepareState(await find({ resourcesPaths: [folder] }), true)).rejects.toThrow(
    /--fresh deletes a SQLite file, and the state is in state\.redis \(component keeper\)/,
  );
});
