/**
 * The span of a request to the HTTP API. The request's own headers carry it on
 * from here, to whatever the request leads to and back to its caller.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { spanNameOf } from '../api/trace-context.ts';
import type { Tracer } from '../core/tracing.ts';

export function beginHttpSpan(
  tracer: Tracer,
  message: IncomingMessage,
  response: ServerResponse,
  path: string,
): void {
  const { headers, method, url } = message;
  const { traceparent, tracestate } = headers;
  const span = tracer.start(spanNameOf(path), {
    kind: 'client',
    parent: {
      ...(typeof traceparent === 'string' ? { traceparent } : {}),
      ...(typeof tracestate === 'string' ? { tracestate } : {}),
    },
    attributes: {
      'dapr.protocol': 'http',
      'dapr.api': `${method} ${path}`,
      'http.request.method': method!,
      'url.full': url!,
    },
  });
  headers['traceparent'] = span.traceparent;
  response.once('close', () => {
    const { statusCode } = response;
    span.end(statusCode >= 400 ? `Code(${statusCode}): ${response.statusMessage}` : undefined);
  });
}
