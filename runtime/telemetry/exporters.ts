/** The exporters that settings ask for; each library is loaded only when it is needed. */
import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace';
import type { OtlpSettings, TracingSettings } from './tracing-settings.ts';
import { formatTraceparent } from './traceparent.ts';

export async function openExporters(
  { stdout, zipkin, otlp }: TracingSettings,
  print: (fields: object, message: string) => void,
): Promise<SpanExporter[]> {
  const exporters: SpanExporter[] = [];
  if (stdout) exporters.push(printing(print));
  if (zipkin !== undefined) {
    const { ZipkinExporter } = await import('@opentelemetry/exporter-zipkin');
    exporters.push(new ZipkinExporter({ url: zipkin }));
  }
  if (otlp) exporters.push(await openOtlp(otlp));
  return exporters;
}

async function openOtlp({
  protocol,
  endpoint,
  isSecure,
  headers,
  timeoutMs,
}: OtlpSettings): Promise<SpanExporter> {
  const timeout = timeoutMs === undefined ? {} : { timeoutMillis: timeoutMs };
  const base = `${isSecure ? 'https' : 'http'}://${endpoint}`;
  if (protocol === 'http') {
    const { OTLPTraceExporter } = await import('@opentelemetry/exporter-trace-otlp-proto');
    return new OTLPTraceExporter({ url: `${base}/v1/traces`, headers: { ...headers }, ...timeout });
  }
  const [{ OTLPTraceExporter }, { credentials, Metadata }] = await Promise.all([
    import('@opentelemetry/exporter-trace-otlp-grpc'),
    import('@grpc/grpc-js'),
  ]);
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
  return new OTLPTraceExporter({
    url: base,
    metadata,
    credentials: isSecure ? credentials.createSsl() : credentials.createInsecure(),
    ...timeout,
  });
}

/** One line a span. */
function printing(print: (fields: object, message: string) => void): SpanExporter {
  const line = (span: ReadableSpan): void => {
    const [seconds, nanoseconds] = span.duration;
    print(
      {
        traceparent: formatTraceparent(span.spanContext()),
        parent: span.parentSpanContext?.spanId,
        durationMs: seconds * 1000 + nanoseconds / 1e6,
        attributes: span.attributes,
      },
      `span ${span.name}`,
    );
  };
  return {
    export(spans, done) {
      for (const span of spans) line(span);
      done({ code: 0 });
    },
    shutdown: () => Promise.resolve(),
  };
}
