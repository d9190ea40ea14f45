/** The line of one request in the API log, when it was answered, as daprd writes it. */
import type { EngineLogger } from '../core/ports.ts';

export interface LoggedRequest {
  readonly method: string;
  readonly code: number;
  /** Of the answer, where it is known. */
  readonly size?: unknown;
  readonly useragent: string | undefined;
}

/** Starts the time of a request; what it returns writes the line. */
export function beginLine(
  log: EngineLogger,
  protocol: 'HTTP' | 'gRPC',
): (request: LoggedRequest) => void {
  const startedAt = performance.now();
  return (request) => {
    const duration = Math.round(performance.now() - startedAt);
    log.info({ ...request, duration }, `${protocol} API Called`);
  };
}
