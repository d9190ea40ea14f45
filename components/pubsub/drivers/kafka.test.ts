import { afterAll, beforeAll } from 'vitest';
import { startKafka } from '../../../test/servers/kafka.ts';
import type { TestServer } from '../../../test/servers/process.ts';
import type { ComponentMetadata } from '../../component.ts';
import { createTestClock, type LogEntry, type TestClock, testOptions } from '../../test-clock.ts';
import { pubsubConformance } from '../conformance/suite.ts';
import type { PubSub } from '../contract.ts';
import { driver } from './kafka.ts';

let server: TestServer;
beforeAll(async () => void (server = await startKafka()));
afterAll(() => server.stop());

let groups = 0;

function open(
  metadata: ComponentMetadata = {},
  clock: TestClock = createTestClock(),
  log: LogEntry[] = [],
): Promise<PubSub> {
  const address = { brokers: `127.0.0.1:${server.port}`, authType: 'none' };
  const given = { ...address, consumerGroup: `group-${groups++}`, ...metadata };
  const options = testOptions('pubsub.kafka', given, clock, log);
  return driver.create(options, { signal: new AbortController().signal });
}

pubsubConformance({
  name: 'pubsub.kafka',
  create: (clock) => open({}, clock),
  features: ['BULK_PUBSUB'],
  redeliver: (clock) => clock.advance(5_000),
});
