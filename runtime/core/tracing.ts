/**
 * Traces across calls and events: what begins a span, and which headers carry
 * it on. Who makes ids, samples and exports is the host's choice.
 */

/** W3C trace context by header names. */
export interface TraceHeaders {
  readonly traceparent?: string;
  readonly tracestate?: string;
}

export interface SpanOptions {
  readonly kind: 'client' | 'server' | 'producer' | 'consumer';
  /** The trace that the span is part of; without a valid traceparent it begins one. */
  readonly parent?: TraceHeaders | undefined;
  readonly attributes?: Readonly<Record<string, string>> | undefined;
}

export interface Span {
  /** For whatever is done within the span. */
  readonly traceparent: string;
  /** Idempotent. A text says what went wrong. */
  end(failure?: string): void;
}

export interface Tracer {
  start(name: string, options: SpanOptions): Span;
}

/** Runs work within a span. */
export async function traced<T>(
  tracer: Tracer,
  name: string,
  options: SpanOptions,
  work: (traceparent: string) => Promise<T>,
): Promise<T> {
  const span = tracer.start(name, options);
  try {
    const result = await work(span.traceparent);
    span.end();
    return result;
  } catch (error) {
    span.end(error instanceof Error ? error.message : String(error));
    throw error;
  }
}

/** The trace context among headers; undefined when there is none. */
export function traceHeadersOf(
  headers: Readonly<Record<string, string>> | undefined,
): Record<string, string> | undefined {
  const traceparent = headers?.['traceparent'];
  if (traceparent === undefined) return undefined;
  const tracestate = headers!['tracestate'];
  return tracestate === undefined ? { traceparent } : { traceparent, tracestate };
}
