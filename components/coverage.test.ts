/** Every row of every kind's table has a suite run, and a page that says what the driver says. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import type { MetadataField } from './component.ts';
import { checkMetadata, componentKinds, createRegistry, type KindName } from './registry.ts';
import { startKafka } from '../test/servers/kafka.ts';
import { runStatements, startPostgresql, urlOf } from '../test/servers/postgresql.ts';
import { startEtcd } from '../test/servers/etcd.ts';
import { startRedis } from '../test/servers/redis.ts';
import type { TestServer } from '../test/servers/process.ts';
import { testOptions } from './test-clock.ts';

const root = join(import.meta.dirname, '..');
const page = readFileSync(join(root, 'docs/reference/components.md'), 'utf8');
const folder = mkdtempSync(join(tmpdir(), 'troupe-samples-'));
writeFileSync(join(folder, 'secrets.json'), '{}');
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const SUITES: Readonly<Record<KindName, string>> = {
  state: 'stateConformance',
  pubsub: 'pubsubConformance',
  secretstores: 'secretStoreConformance',
  configuration: 'configurationConformance',
  lock: 'lockConformance',
  bindings: 'bindingConformance',
  crypto: 'cryptoConformance',
  conversation: 'conversationConformance',
  nameresolution: 'nameResolutionConformance',
  middleware: 'middlewareConformance',
};

/** A server that a sample needs, and where the sample names it. */
interface Server {
  readonly field: string;
  start(): Promise<TestServer>;
  /** Default: `host:port`. */
  address?(server: TestServer): string;
}

const POSTGRESQL = {
  field: 'connectionString',
  start: startPostgresql,
  address: urlOf,
};

/** Started in `npm run test:all` only. */
const SERVERS: Readonly<Record<string, Server>> = {
  'state.postgresql': POSTGRESQL,
  'state.redis': { field: 'redisHost', start: startRedis },
  'pubsub.kafka': { field: 'brokers', start: startKafka },
  'bindings.kafka': { field: 'brokers', start: startKafka },
  'state.etcd': { field: 'endpoints', start: startEtcd },
  'pubsub.redis': { field: 'redisHost', start: startRedis },
  'configuration.redis': { field: 'redisHost', start: startRedis },
  'lock.redis': { field: 'redisHost', start: startRedis },
  'configuration.etcd': { field: 'endpoints', start: startEtcd },
  'configuration.postgresql': {
    ...POSTGRESQL,
    async start() {
      const server = await startPostgresql();
      const columns = 'key text, value text, version text, metadata json';
      await runStatements(server, `CREATE TABLE configuration (${columns})`);
      return server;
    },
  },
  'nameresolution.etcd': { field: 'endpoints', start: startEtcd },
  'lock.etcd': { field: 'endpoints', start: startEtcd },
  'bindings.redis': { field: 'redisHost', start: startRedis },
  'bindings.postgresql': POSTGRESQL,
};
const withServers = process.env['TROUPE_TEST_ALL'] === '1';

const rows = (Object.keys(componentKinds) as KindName[]).flatMap((kind) =>
  componentKinds[kind].drivers.map((entry) => ({ kind, ...entry })),
);

/** The part of the page under a heading, up to the next one of any level. */
function sectionOf(heading: string): string {
  const start = page.indexOf(`\n${heading}\n`);
  expect(start, `docs/reference/components.md has no "${heading}"`).toBeGreaterThan(-1);
  const rest = page.slice(start + heading.length + 2);
  const end = rest.search(/^#{2,3} /m);
  return end < 0 ? rest : rest.slice(0, end);
}

/** The fields in the section's table. */
function fieldsIn(section: string): MetadataField[] {
  return Array.from(
    section.matchAll(/^\| `(\w+)` \| (.*?) \| (yes)? ?\| (.*) \|$/gm),
    ([, name = '', aliases = '', required, description = '']) => ({
      name,
      ...(required ? { required: true } : {}),
      ...(aliases === '' ? {} : { aliases: aliases.replaceAll('`', '').split(', ') }),
      description,
    }),
  );
}

interface Sample {
  readonly spec: {
    readonly type: string;
    readonly version: string;
    readonly metadata: readonly { readonly name: string; readonly value: string }[];
  };
}

function sampleIn(section: string): Sample {
  return parse(/```yaml\n([\s\S]*?)```/.exec(section)?.[1] ?? '') as Sample;
}

describe.each(rows)('$type', ({ kind, type, versions, load }) => {
  it('runs the suite of its kind in the test beside its driver', () => {
    const file = /import\('(\.\/drivers\/[\w-]+)\.ts'\)/.exec(
      readFileSync(join(root, 'components', kind, 'index.ts'), 'utf8').split(`'${type}'`)[1] ?? '',
    )?.[1];
    const test = join(root, 'components', kind, `${file}.test.ts`);
    expect(existsSync(test), `${test} is missing`).toBe(true);
    const text = readFileSync(test, 'utf8');
    expect(text).toContain(`${SUITES[kind]}({`);
    expect(text).toContain(`'${type}'`);
  });

  it('has its fields on the page, word for word', async () => {
    const { fields } = await load();
    expect(fieldsIn(sectionOf(`### ${type}`))).toEqual(fields);
  });

  const patience = { timeout: 60_000 };
  it(
    'has a sample on the page that works, with the features said there',
    patience,
    async ({ skip }) => {
      const section = sectionOf(`### ${type}`);
      const { spec } = sampleIn(section);
      expect(spec.type).toBe(type);
      expect(versions).toContain(spec.version);
      const metadata = Object.fromEntries(
        spec.metadata.map(({ name, value }) => [
          name,
          /\.(db|json)$/.test(value) ? join(folder, value) : value,
        ]),
      );
      const { driver, fields } = await createRegistry().resolve(type, spec.version);
      expect(checkMetadata(metadata, fields)).toEqual([]);
      if (type === 'middleware.http.bearer')
        return skip(`opening ${type} needs its issuer; its own test has one`);
      if (type === 'nameresolution.consul')
        return skip(`opening ${type} needs an agent; its own test has one`);
      if (type === 'nameresolution.dns')
        return skip(`opening ${type} needs a DNS server; its own test has one`);
      if (SERVERS[type] && !withServers)
        return skip(`opening ${type} needs its server: npm run test:all`);
      await using server = await SERVERS[type]?.start();
      if (server) {
        const { field, address = ({ host, port }) => `${host}:${port}` } = SERVERS[type]!;
        metadata[field] = address(server);
      }
      await using component = await driver.create(testOptions(type, metadata), {
        signal: new AbortController().signal,
      });
      await component.ping();
      const said = /Features: ([^.;]*)/.exec(section)?.[1] ?? '';
      expect([...said.matchAll(/`(\w+)`/g)].map(([, name]) => name)).toEqual(component.features);
    },
  );
});

describe('the page', () => {
  it('has the fields of every state store', () => {
    expect(fieldsIn(sectionOf('## State stores'))).toEqual(componentKinds.state.fields);
  });

  it('describes nothing that is not in a table', () => {
    const described = Array.from(page.matchAll(/^### (.+)$/gm), ([, heading]) => heading);
    expect(described).toEqual(rows.map(({ type }) => type));
  });
});
