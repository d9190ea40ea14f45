/** Spans of calls on their way into actors and into the app. */
import type { AppRequest, AppResponse } from '../api/invoke.ts';
import { headerOf } from '../api/route.ts';
import type { Interceptor } from '../core/interceptors.ts';
import { traced, traceHeadersOf, type Tracer } from '../core/tracing.ts';

/** A span a turn, which is the parent of what the turn calls and sends. */
function tracingInterceptor(tracer: Tracer): Interceptor {
  return {
    incoming({ actor, method, headers }, next) {
      const name = `CallActor/${actor.type}/${method}`;
      const options = { kind: 'server', parent: traceHeadersOf(headers) } as const;
      return traced(tracer, name, options, (traceparent) => {
        headers['traceparent'] = traceparent;
        return next();
      });
    },
  };
}

/** Tracing is outermost, so that the others run within the span. */
export function interceptorsOf({
  tracer,
  interceptors = [],
}: {
  readonly tracer?: Tracer | undefined;
  readonly interceptors?: readonly Interceptor[] | undefined;
}): readonly Interceptor[] {
  return tracer ? [tracingInterceptor(tracer), ...interceptors] : interceptors;
}

/** Deliveries for other sidecars. */
export function tracedDeliver(
  tracer: Tracer,
  appId: string,
  deliver: (request: AppRequest) => Promise<AppResponse>,
): (request: AppRequest) => Promise<AppResponse> {
  return (request) => {
    const traceparent = headerOf(request.headers, 'traceparent');
    const tracestate = headerOf(request.headers, 'tracestate');
    const parent = {
      ...(traceparent === undefined ? {} : { traceparent }),
      ...(tracestate === undefined ? {} : { tracestate }),
    };
    return traced(
      tracer,
      `CallLocal/${appId}/${request.path.replace(/^\/+/, '')}`,
      { kind: 'server', parent },
      (now) => deliver({ ...request, headers: { ...request.headers, traceparent: now } }),
    );
  };
}
