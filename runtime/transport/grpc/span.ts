/** The span of a call to the gRPC API; the call's metadata carries it on from here. */
import { baggageProblem } from '../../api/trace-context.ts';
import type { Tracer } from '../../core/tracing.ts';
import type { ServerCall } from './call.ts';
import { firstOf } from './metadata.ts';
import { traceBytes, traceOf } from './trace.ts';

const INVOKE = '/dapr.proto.runtime.v1.Dapr/InvokeService';

export function beginGrpcSpan(tracer: Tracer, call: ServerCall): void {
  const { headers, path } = call;
  const span = tracer.start(path, {
    kind: 'client',
    parent: traceOf(call),
    attributes: { 'dapr.protocol': 'grpc', 'dapr.api': path },
  });
  headers['traceparent'] = span.traceparent;
  delete headers['grpc-trace-bin'];
  // The answer of an invocation has the metadata of the app.
  const binary = path === INVOKE ? undefined : traceBytes(span.traceparent);
  if (binary) call.addHeaders({ 'grpc-trace-bin': binary.toString('base64') });
  call.whenEnded((code) => {
    span.end(code === 0 ? undefined : `the call ended with code ${code}`);
  });
}

/** The caller gets its baggage back; what is wrong with it, if it cannot be taken. */
export function takeBaggage(call: ServerCall): string | undefined {
  const baggage = firstOf(call.headers['baggage']);
  if (baggage === undefined) return undefined;
  const problem = baggageProblem(baggage);
  if (problem === undefined) call.addHeaders({ baggage });
  return problem;
}
