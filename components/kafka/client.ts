/**
 * Clients of the library for one component: its settings, sockets that are
 * counted, its log lines as debug lines of ours, and its errors as
 * ComponentErrors. Sockets live in real time, so nothing here uses the
 * component's clock.
 */
import { createRequire } from 'node:module';
import { connect, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { promisify } from 'node:util';
import { zstdCompress, zstdDecompress } from 'node:zlib';
import kafkajs, { type ISocketFactoryArgs, type Kafka, type KafkaConfig } from 'kafkajs';
import { ComponentError, isTroupeError, type ErrorCode } from '../../runtime/core/errors.ts';
import type { ComponentOptions } from '../component.ts';
import type { CompressionName, KafkaSettings } from './settings.ts';

const { CompressionCodecs, CompressionTypes, logLevel } = kafkajs;

/** First and longest pause of the library between its own attempts. */
const RETRY = { initialRetryTime: 100, maxRetryTime: 1_000 };

CompressionCodecs[CompressionTypes.ZSTD] = () => ({
  compress: ({ buffer }: { buffer: Buffer }) => promisify(zstdCompress)(buffer),
  decompress: (buffer: Buffer) => promisify(zstdDecompress)(buffer),
});

export const COMPRESSION: Readonly<Record<CompressionName, number>> = {
  none: CompressionTypes.None,
  gzip: CompressionTypes.GZIP,
  zstd: CompressionTypes.ZSTD,
};

interface RequestQueue {
  readonly pending: readonly unknown[];
  scheduleCheckPendingRequests(this: RequestQueue): void;
}

// The library sets a timer of negative length after each answer, of which Node
// warns on stderr. It is needed only while requests wait for their turn.
const { prototype } = createRequire(import.meta.url)(
  'kafkajs/src/network/requestQueue/index.js',
) as { prototype: RequestQueue };
const schedule = prototype.scheduleCheckPendingRequests;
prototype.scheduleCheckPendingRequests = function () {
  if (this.pending.length > 0) schedule.call(this);
};

export interface KafkaClient {
  readonly kafka: Kafka;
  /** Sockets that are open. */
  connections(): number;
  /** Ends all sockets, so that nothing waits for a broker that stands still. */
  destroy(): void;
}

export function createClient(options: ComponentOptions, settings: KafkaSettings): KafkaClient {
  const sockets = new Set<Socket>();
  const socketFactory = ({ host, port, ssl, onConnect }: ISocketFactoryArgs): Socket => {
    const name = isIP(host) ? {} : { servername: host };
    const socket = ssl
      ? connectTls({ host, port, ...name, ...(ssl as object) }, onConnect)
      : connect({ host, port }, onConnect);
    if (settings.keepAliveMs > 0) socket.setKeepAlive(true, settings.keepAliveMs);
    socket.setNoDelay(true);
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    return socket;
  };
  const config: KafkaConfig = {
    brokers: [...settings.brokers],
    clientId: settings.clientId,
    connectionTimeout: settings.dialTimeoutMs,
    authenticationTimeout: settings.dialTimeoutMs,
    requestTimeout: settings.readTimeoutMs,
    retry: { ...RETRY, retries: settings.produceRetries },
    socketFactory,
    logLevel: logLevel.WARN,
    logCreator:
      () =>
      ({ namespace, log }) =>
        options.logger.debug(
          { component: options.name, namespace, error: log['error'] as unknown },
          `kafkajs: ${log.message}`,
        ),
    ...(settings.ssl ? { ssl: settings.ssl } : {}),
    ...(settings.sasl ? { sasl: settings.sasl } : {}),
  };
  return {
    kafka: new kafkajs.Kafka(config),
    connections: () => sockets.size,
    destroy() {
      for (const socket of sockets) socket.destroy();
    },
  };
}

interface LibraryError {
  readonly name: string;
  readonly message: string;
  readonly type?: string;
  readonly retriable?: boolean;
  readonly cause?: unknown;
}

const CODES: Readonly<Record<string, ErrorCode>> = {
  MESSAGE_TOO_LARGE: 'INVALID_ARGUMENT',
  RECORD_LIST_TOO_LARGE: 'INVALID_ARGUMENT',
  INVALID_TOPIC_EXCEPTION: 'INVALID_ARGUMENT',
  TOPIC_AUTHORIZATION_FAILED: 'FORBIDDEN',
  GROUP_AUTHORIZATION_FAILED: 'FORBIDDEN',
  CLUSTER_AUTHORIZATION_FAILED: 'FORBIDDEN',
  TRANSACTIONAL_ID_AUTHORIZATION_FAILED: 'FORBIDDEN',
  UNKNOWN_TOPIC_OR_PARTITION: 'UNAVAILABLE',
};

/** What was at the bottom of an error that the library wrapped, perhaps several times. */
export function rootOf(error: unknown): LibraryError {
  let root = error as LibraryError;
  while (root.type === undefined && root.cause instanceof Error)
    root = root.cause as unknown as LibraryError;
  return root;
}

/** UNAVAILABLE when a broker was not reached or asks to come again, else what it refused. */
export function typedError(
  options: ComponentOptions,
  settings: KafkaSettings,
  what: string,
  cause: unknown,
): ComponentError {
  if (isTroupeError(cause)) return cause as ComponentError;
  const { name, type, message, retriable } = rootOf(cause);
  const known = type === undefined ? undefined : CODES[type];
  const isRefusal = retriable === false || name === 'KafkaJSSASLAuthenticationError';
  const code = known ?? (isRefusal && !name.includes('Retries') ? 'COMPONENT' : 'UNAVAILABLE');
  const where = settings.brokers.join(',');
  return new ComponentError(options, `${what} (brokers ${where}): ${type ?? name}: ${message}`, {
    code,
    cause,
  });
}
