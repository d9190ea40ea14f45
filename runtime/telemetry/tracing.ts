/**
 * Spans by OpenTelemetry: sampled as the parent was, else by rate, and given to
 * exporters in batches. Loaded only where a trace is to be sampled at all.
 */
import {
  createTraceState,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  type Context,
} from '@opentelemetry/api';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  BatchSpanProcessor,
  ParentBasedSampler,
  SimpleSpanProcessor,
  TraceIdRatioBasedSampler,
  TracerProvider,
  type SpanExporter,
} from '@opentelemetry/sdk-trace';
import type { SpanOptions, Tracer } from '../core/tracing.ts';
import { formatTraceparent, parseTraceparent } from './traceparent.ts';

export interface TracingOptions {
  readonly serviceName: string;
  /** Of the process beside its name. */
  readonly attributes?: Readonly<Record<string, string>> | undefined;
  /** Part of the traces that are sampled when no caller has decided, from 0 to 1. */
  readonly samplingRate: number;
  readonly exporters: readonly SpanExporter[];
  /** True: each span goes out at once, for tests. Default: in batches. */
  readonly immediate?: boolean | undefined;
}

export interface Tracing extends Tracer, AsyncDisposable {}

const KINDS = {
  client: SpanKind.CLIENT,
  server: SpanKind.SERVER,
  producer: SpanKind.PRODUCER,
  consumer: SpanKind.CONSUMER,
} as const;

const FLUSH_MS = 2000;

export function createTracing(options: TracingOptions): Tracing {
  const { serviceName, attributes = {}, samplingRate, exporters, immediate } = options;
  const provider = new TracerProvider({
    resource: resourceFromAttributes({ ...attributes, 'service.name': serviceName }),
    sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(samplingRate) }),
    spanProcessors: exporters.map((exporter) =>
      immediate
        ? new SimpleSpanProcessor({ exporter })
        : new BatchSpanProcessor({ exporter, scheduledDelayMillis: 1000 }),
    ),
  });
  const tracer = provider.getTracer('dapr-diagnostics');

  function contextOf({ parent }: SpanOptions): Context {
    const remote = parseTraceparent(parent?.traceparent);
    if (!remote) return ROOT_CONTEXT;
    const { tracestate } = parent!;
    return trace.setSpanContext(ROOT_CONTEXT, {
      ...remote,
      ...(tracestate ? { traceState: createTraceState(tracestate) } : {}),
    });
  }

  return {
    start(name, given) {
      const span = tracer.startSpan(
        name,
        { kind: KINDS[given.kind], attributes: { ...given.attributes } },
        contextOf(given),
      );
      return {
        traceparent: formatTraceparent(span.spanContext()),
        end(failure) {
          if (!span.isRecording()) return;
          if (failure !== undefined) {
            span.setStatus({ code: SpanStatusCode.ERROR, message: failure });
          }
          span.end();
        },
      };
    },
    async [Symbol.asyncDispose]() {
      // An exporter whose collector is gone must not hold up a shutdown.
      const late = new Promise<void>((resolve) => setTimeout(resolve, FLUSH_MS).unref());
      await Promise.race([provider.shutdown().catch(() => {}), late]);
    },
  };
}
