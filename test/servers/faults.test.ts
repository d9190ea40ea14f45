/**
 * Configuration, locks and bindings on real servers that are killed, frozen
 * and started again. State stores and brokers have tests of their own for it.
 */
import { createClient } from '@redis/client';
import { Etcd3 } from 'etcd3';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Binding } from '../../components/bindings/contract.ts';
import { driver as kafkaBinding } from '../../components/bindings/drivers/kafka.ts';
import { driver as postgresqlBinding } from '../../components/bindings/drivers/postgresql.ts';
import { driver as redisBinding } from '../../components/bindings/drivers/redis.ts';
import type { Component, ComponentMetadata, Driver } from '../../components/component.ts';
import type { ConfigurationStore } from '../../components/configuration/contract.ts';
import { driver as etcdConfiguration } from '../../components/configuration/drivers/etcd.ts';
import { driver as postgresqlConfiguration } from '../../components/configuration/drivers/postgresql.ts';
import { driver as redisConfiguration } from '../../components/configuration/drivers/redis.ts';
import type { LockStore } from '../../components/lock/contract.ts';
import { driver as etcdLock } from '../../components/lock/drivers/etcd.ts';
import { driver as redisLock } from '../../components/lock/drivers/redis.ts';
import { testOptions } from '../../components/test-clock.ts';
import { startEtcd } from './etcd.ts';
import { createTopic, startKafka } from './kafka.ts';
import { runStatements, startPostgresql, urlOf } from './postgresql.ts';
import type { TestServer } from './process.ts';
import { startRedis } from './redis.ts';

const KEY = 'db_url';
const TABLE = 'conf';
const TOPIC = 'faults';
/** A server may take its time to come back where much else runs. */
const RETURN = { timeout: 60_000 };

/** A component and what a user asks of it; what it is told of later is appended to `heard`. */
interface Subject extends AsyncDisposable {
  readonly type: string;
  readonly component: Component;
  use(): Promise<unknown>;
  /** Absent: it is told of nothing. */
  readonly heard?: readonly string[];
}

interface Server {
  readonly name: string;
  start(): Promise<TestServer>;
  open(server: TestServer): Promise<Subject>[];
  /** Has subscribers hear of `value`, by a hand that is not theirs. */
  tell(server: TestServer, value: string): Promise<unknown>;
  /** Absent: it keeps no locks. */
  openLock?(server: TestServer): Promise<LockStore>;
}

function open<C extends Component>(
  type: string,
  driver: Driver<C>,
  metadata: ComponentMetadata,
): Promise<C> {
  const timer = (ms: number, fire: () => void) => {
    const handle = setTimeout(fire, ms);
    return { cancel: () => clearTimeout(handle) };
  };
  const options = { ...testOptions(type, metadata), now: Date.now, timer };
  return driver.create(options, { signal: AbortSignal.timeout(60_000) });
}

const subjectOf = (
  type: string,
  component: Component,
  use: () => Promise<unknown>,
  heard?: readonly string[],
): Subject => ({
  ...{ type, component, use },
  ...(heard ? { heard } : {}),
  [Symbol.asyncDispose]: () => component.close(),
});

async function configuration(
  type: string,
  driver: Driver<ConfigurationStore>,
  metadata: ComponentMetadata,
): Promise<Subject> {
  const store = await open(type, driver, metadata);
  const heard: string[] = [];
  await store.subscribe({ keys: [KEY] }, async (items) => void heard.push(items[KEY]!.value));
  return subjectOf(type, store, () => store.get({ keys: [KEY] }), heard);
}

let resources = 0;

async function lock(type: string, opening: Promise<LockStore>): Promise<Subject> {
  const store = await opening;
  const use = () =>
    store.tryLock({ resource: `r${resources++}`, owner: 'a', expirySeconds: 1_000 });
  return subjectOf(type, store, use);
}

async function binding(
  type: string,
  driver: Driver<Binding>,
  given: { metadata: ComponentMetadata; operation: string; request: Record<string, string> },
): Promise<Subject> {
  const component = await open(type, driver, given.metadata);
  const { operation, request: metadata } = given;
  const use = () => component.invoke({ operation, data: Buffer.from('used'), metadata });
  if (!component.features.includes('INPUT_BINDING')) return subjectOf(type, component, use);
  const heard: string[] = [];
  await component.read(async ({ data }) => {
    heard.push(Buffer.from(data).toString());
    return undefined;
  });
  return subjectOf(type, component, use, heard);
}

const redisAt = ({ port }: TestServer): ComponentMetadata => ({
  redisHost: `127.0.0.1:${port}`,
  readTimeout: '2s',
});
const openRedisLock = (server: TestServer) => open('lock.redis', redisLock, redisAt(server));

const redis: Server = {
  name: 'redis',
  start: startRedis,
  open: (server) => [
    configuration('configuration.redis', redisConfiguration, redisAt(server)),
    lock('lock.redis', openRedisLock(server)),
    binding('bindings.redis', redisBinding, {
      metadata: redisAt(server),
      operation: 'create',
      request: { key: 'k' },
    }),
  ],
  async tell({ port }, value) {
    const client = await createClient({ socket: { port, reconnectStrategy: false } })
      .on('error', () => {})
      .connect();
    await client.set(KEY, value);
    client.destroy();
  },
  openLock: openRedisLock,
};

const etcdAt = ({ port }: TestServer): ComponentMetadata => ({
  endpoints: `127.0.0.1:${port}`,
  timeout: '2s',
});
const openEtcdLock = (server: TestServer) =>
  open('lock.etcd', etcdLock, { ...etcdAt(server), keyPrefixPath: 'locks' });

const etcd: Server = {
  name: 'etcd',
  start: startEtcd,
  open: (server) => [
    configuration('configuration.etcd', etcdConfiguration, etcdAt(server)),
    lock('lock.etcd', openEtcdLock(server)),
  ],
  async tell({ port }, value) {
    const client = new Etcd3({ hosts: `127.0.0.1:${port}` });
    try {
      await client.put(KEY).value(value);
    } finally {
      client.close();
    }
  },
  openLock: openEtcdLock,
};

const postgresqlAt = (server: TestServer): ComponentMetadata => ({
  connectionString: urlOf(server),
  timeout: '2s',
});

const postgresql: Server = {
  name: 'postgresql',
  async start() {
    const server = await startPostgresql();
    await runStatements(
      server,
      `CREATE TABLE ${TABLE} (key varchar, value varchar, version varchar, metadata json);
       INSERT INTO ${TABLE} VALUES ('${KEY}', 'first', '1');
       CREATE FUNCTION tell() RETURNS trigger AS $$
         BEGIN
           PERFORM pg_notify('changes', json_build_object('data', row_to_json(NEW))::text);
           RETURN NULL;
         END;
       $$ LANGUAGE plpgsql;
       CREATE TRIGGER changed AFTER UPDATE ON ${TABLE} FOR EACH ROW EXECUTE PROCEDURE tell()`,
    );
    return server;
  },
  open: (server) => [
    configuration('configuration.postgresql', postgresqlConfiguration, {
      ...postgresqlAt(server),
      table: TABLE,
      notifyChannel: 'changes',
    }),
    binding('bindings.postgresql', postgresqlBinding, {
      metadata: postgresqlAt(server),
      operation: 'query',
      request: { sql: 'SELECT 1' },
    }),
  ],
  tell: (server, value) => runStatements(server, `UPDATE ${TABLE} SET value = $1`, [value]),
};

const kafkaAt = ({ port }: TestServer): ComponentMetadata => ({
  ...{ brokers: `127.0.0.1:${port}`, authType: 'none', initialOffset: 'oldest' },
  ...{ readTimeout: '2s', writeTimeout: '4s', dialTimeout: '4s' },
});

const kafka: Server = {
  name: 'kafka',
  async start() {
    const server = await startKafka();
    await createTopic(server, TOPIC, 1);
    return server;
  },
  open: (server) => [
    binding('bindings.kafka', kafkaBinding, {
      metadata: { ...kafkaAt(server), topics: TOPIC, publishTopic: TOPIC, consumerGroup: 'faults' },
      operation: 'create',
      request: {},
    }),
  ],
  async tell(server, value) {
    await using writer = await open('bindings.kafka', kafkaBinding, {
      ...kafkaAt(server),
      publishTopic: TOPIC,
    });
    await writer.invoke({ operation: 'create', data: Buffer.from(value), metadata: {} });
  },
};

/** Every component of the server; all are closed at the end. */
async function openAll(server: TestServer, plan: Server) {
  const subjects = await Promise.all(plan.open(server));
  return {
    subjects,
    async [Symbol.asyncDispose]() {
      await Promise.all(subjects.map((subject) => subject[Symbol.asyncDispose]()));
    },
  };
}

/** What it is asked fails, and the error names what and where. */
async function expectAway({ type, use }: Subject): Promise<void> {
  await expect(use()).rejects.toMatchObject({
    code: 'UNAVAILABLE',
    component: 'subject',
    componentType: type,
  });
}

describe.each([redis, etcd, postgresql, kafka])('on $name', (plan) => {
  let server: TestServer;
  beforeAll(async () => void (server = await plan.start()));
  afterAll(() => server.stop());

  it.each([
    ['killed', () => server.kill(), () => server.restart()],
    ['frozen', async () => server.freeze(), async () => server.thaw()],
  ])(
    'each component fails by name while the server is %s, and goes on after its return',
    async (how, hurt, mend) => {
      await using all = await openAll(server, plan);
      for (const { use } of all.subjects) await vi.waitFor(use, RETURN);
      await hurt();
      // Once with what was on its way, and once when the loss is known.
      for (let round = 0; round < 2; round++) await Promise.all(all.subjects.map(expectAway));
      await mend();
      for (const { use } of all.subjects) await vi.waitFor(use, RETURN);
      const news = `since it was ${how}`;
      await vi.waitFor(() => plan.tell(server, news), RETURN);
      const told = expect.arrayContaining([news]) as string[];
      for (const { heard, type } of all.subjects)
        if (heard)
          await vi.waitFor(() => expect({ type, heard }).toEqual({ type, heard: told }), RETURN);
    },
  );

  it('each component lets itself be closed while the server stands still', async () => {
    const { subjects } = await openAll(server, plan);
    server.freeze();
    try {
      const asked = subjects.map(expectAway);
      await Promise.all([...asked, ...subjects.map(({ component }) => component.close())]);
    } finally {
      server.thaw();
    }
  });

  const { openLock } = plan;
  if (!openLock) return;

  it('no lock is held by two while the server is killed', async () => {
    await using one = await openLock(server);
    await using two = await openLock(server);
    let inside = 0;
    let most = 0;
    let held = 0;
    let killed: Promise<void> | undefined;
    const run = async (owner: string, store: LockStore): Promise<void> => {
      const door = { resource: 'door', owner };
      while (held < 60) {
        // Whether a request that failed got the lock is unknown; then it is given back.
        const hasIt = await store.tryLock({ ...door, expirySeconds: 1_000 }).catch(() => 'unknown');
        if (hasIt === false) continue;
        if (hasIt === true) {
          inside++;
          most = Math.max(most, inside);
          held++;
          if (held > 20) killed ??= server.kill().then(() => server.restart());
          await new Promise((resolve) => setImmediate(resolve));
          inside--;
        }
        await vi.waitFor(() => store.unlock(door), RETURN);
      }
    };
    const kept = { resource: 'kept', expirySeconds: 1_000 };
    expect(await one.tryLock({ ...kept, owner: 'a' })).toBe(true);
    await Promise.all([run('a', one), run('b', one), run('c', two), run('d', two)]);
    await killed;
    expect({ most, inside }).toEqual({ most: 1, inside: 0 });
    expect(await vi.waitFor(() => two.tryLock({ ...kept, owner: 'b' }), RETURN)).toBe(false);
  });
});
