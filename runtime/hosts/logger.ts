/** The log of a host: JSON lines, constant messages plus fields, to stderr unless told otherwise. */
import { pino } from 'pino';
import type { DestinationStream } from 'pino';
import type { EngineLogger } from '../core/ports.ts';

/** From the most to the least said; `silent` says nothing. */
export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;

export type LogLevel = (typeof LOG_LEVELS)[number];

export interface LoggerOptions {
  /** Default `info`. */
  readonly level?: LogLevel;
  /** Gets whole lines. Default: stderr, written before the call returns. */
  readonly destination?: DestinationStream;
  /** Fields of every line, for example `{ app_id: 'shop' }`. */
  readonly fields?: Readonly<Record<string, string>>;
}

/**
 * A line is `{"level":"info","time":"2026-01-02T03:04:05.678Z",...fields,"msg":"component loaded"}`;
 * an error under `err` is written with type, message, stack and code.
 */
export function createLogger(options: LoggerOptions = {}): EngineLogger {
  const {
    level = 'info',
    destination = pino.destination({ fd: 2, sync: true }),
    fields = {},
  } = options;
  const logger = pino(
    {
      level,
      base: { ...fields },
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
    },
    destination,
  );
  return {
    debug: (given, message) => logger.debug(given, message),
    info: (given, message) => logger.info(given, message),
    warn: (given, message) => logger.warn(given, message),
    error: (given, message) => logger.error(given, message),
  };
}
