/** A real Kafka 4 in KRaft mode, one node that is broker and controller. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import kafkajs from 'kafkajs';
import { findProgram, INSTALLED, startServer, type TestServer } from './process.ts';

const run = promisify(execFile);
const JARS = join(INSTALLED, 'kafka');
/** Any 16 bytes in base64url; one cluster is formatted at a time. */
const CLUSTER = 'dHJvdXBlLXRlc3QtMDAwMQ';

function propertiesOf(port: number, controller: number, folder: string): string {
  return `
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:${controller}
listeners=PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controller}
advertised.listeners=PLAINTEXT://127.0.0.1:${port}
controller.listener.names=CONTROLLER
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs=${folder}/data
num.partitions=1
auto.create.topics.enable=true
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.num.partitions=4
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
`;
}

/**
 * The heap is 512 MB. Topics are made on first use, with one partition unless
 * a client makes them otherwise.
 *
 * @throws Error that says what to do when Kafka or Java is not installed.
 */
export function startKafka(): Promise<TestServer> {
  if (!existsSync(JARS)) throw new Error('Kafka is not installed; run: npm run servers');
  const java = findProgram('java');
  const classpath = join(JARS, '*');
  return startServer({
    name: 'kafka',
    command: java,
    morePorts: 1,
    async prepare(folder, port, [controller = 0]) {
      const file = join(folder, 'server.properties');
      await writeFile(file, propertiesOf(port, controller, folder));
      const format = ['kafka.tools.StorageTool', 'format', '-t', CLUSTER, '-c', file];
      await run(java, ['-cp', classpath, ...format]);
    },
    args: (_port, folder) => [
      '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn',
      '-Dorg.slf4j.simpleLogger.log.kafka.server.KafkaRaftServer=info',
      ...['-Xmx512m', '-XX:TieredStopAtLevel=1', '-cp', classpath],
      ...['kafka.Kafka', join(folder, 'server.properties')],
    ],
    ready: /Kafka Server started/,
  });
}

/** A topic of several partitions, which the broker would make with one. */
export async function createTopic(
  { host, port }: Pick<TestServer, 'host' | 'port'>,
  topic: string,
  numPartitions: number,
): Promise<void> {
  const kafka = new kafkajs.Kafka({
    brokers: [`${host}:${port}`],
    logLevel: kafkajs.logLevel.NOTHING,
  });
  const admin = kafka.admin();
  await admin.connect();
  try {
    await admin.createTopics({ topics: [{ topic, numPartitions }], waitForLeaders: true });
  } finally {
    await admin.disconnect();
  }
}
