/** OpenTelemetry for a program's own system, loaded when it is asked for. */
import type { Tracing, TracingOptions } from '../telemetry/tracing.ts';

/**
 * Spans for the option `tracer` of a system. Dispose of it after the system:
 * what is not exported yet goes out then.
 */
export async function openTracing(options: TracingOptions): Promise<Tracing> {
  const { createTracing } = await import('../telemetry/tracing.ts');
  return createTracing(options);
}
