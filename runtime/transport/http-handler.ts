/**
 * A request on its way through the rules that hold for every route (token,
 * CORS, path, limits, trace context) to the route that takes it. It knows no
 * building block and no socket. The hot path is one actor call: no URL object,
 * no copy of headers, no controller of its own, one write.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { ApiError, toHttpError } from '../api/api-error.ts';
import { countError } from '../api/error-telemetry.ts';
import type { HttpResponse, HttpRoute } from '../api/route.ts';
import type { EngineLogger } from '../core/ports.ts';
import type { Telemetry } from '../core/telemetry.ts';
import type { Tracer } from '../core/tracing.ts';
import { createCors } from './cors.ts';
import { baggageProblem } from '../api/trace-context.ts';
import { createHttpLog, type HttpLogOptions } from './http-log.ts';
import { createHttpMeasure } from './http-measure.ts';
import { answerThrough, type HttpPipeline, type PipedOptions } from './http-pipeline.ts';
import {
  chunks,
  collectBody,
  hasBody,
  isShort,
  ServerRequest,
  SHORT_BYTES,
} from './http-request.ts';
import { sendError, sendResponse } from './http-response.ts';
import { BadEscape, cleanPath, createRouter, type Match } from './router.ts';
import { beginHttpSpan } from './http-trace.ts';
import { createTokenCheck } from './token.ts';

export interface HttpHandlerOptions {
  readonly routes: readonly HttpRoute[];
  /** Takes what no route takes: daprd's service invocation. Absent: such requests are answered with 404. */
  readonly fallback?: HttpRoute | undefined;
  readonly logger: EngineLogger;
  /** Default 4 MiB; 0 or less: no limit. Streamed bodies have none. */
  readonly maxBodyBytes?: number;
  /** Every request but health checks must carry it as `dapr-api-token`. */
  readonly apiToken?: string | undefined;
  /** `*`, or origins divided by commas. Default: no CORS headers. */
  readonly allowedOrigins?: string | undefined;
  /** Steps that every request takes before it is routed. Default: none. */
  readonly pipeline?: HttpPipeline | undefined;
  /** Writes a line for every request. Default: none. */
  readonly apiLogging?: HttpLogOptions | undefined;
  /** Gets counts and latencies of requests, and the errors answered. Default: nothing is measured. */
  readonly telemetry?: Telemetry | undefined;
  /** Makes a span of every request but health checks. Default: a trace context is passed on as it came. */
  readonly tracer?: Tracer | undefined;
}

export interface HttpHandler {
  handle(message: IncomingMessage, response: ServerResponse): void;
  /** From now on connections end with their answer. */
  leave(): void;
}

const MAX_BODY_BYTES = 4 * 1024 * 1024;

const NOT_FOUND: HttpRoute = {
  methods: ['*'],
  pattern: '*',
  streaming: true,
  handle: () => ({
    status: 404,
    contentType: 'text/plain; charset=utf-8',
    body: '404 page not found\n',
  }),
};

export function createHttpHandler(options: HttpHandlerOptions): HttpHandler {
  const { logger, fallback = NOT_FOUND, apiLogging, telemetry, tracer } = options;
  const measure = telemetry && createHttpMeasure(telemetry);
  const logCall = apiLogging && createHttpLog(apiLogging);
  const limit = options.maxBodyBytes ?? MAX_BODY_BYTES;
  const maxBody = limit > 0 ? limit : Number.POSITIVE_INFINITY;
  const find = createRouter(options.routes);
  const cors = createCors(options.allowedOrigins);
  const mayEnter = createTokenCheck(options.apiToken);
  const other: Match = { route: fallback, params: [] };
  const piped: PipedOptions | undefined = options.pipeline && {
    pipeline: options.pipeline,
    find: (method, path) => find(method, path) ?? other,
    maxBody,
    logger,
    telemetry,
  };
  let closing = false;

  function send(message: IncomingMessage, response: ServerResponse, answer: HttpResponse): void {
    if (closing) response.shouldKeepAlive = false;
    const sent = measure ? measure.counted(response, answer) : answer;
    sendResponse(message, response, sent, (error) =>
      logger.warn({ error: String(error) }, 'http response broke off'),
    );
  }

  function fail(
    message: IncomingMessage,
    response: ServerResponse,
    error: unknown,
    request?: ServerRequest,
    route?: HttpRoute,
  ): void {
    if (telemetry) countError(telemetry, error, route?.failure);
    const explain = request && route?.explain;
    const wire = toHttpError(error, route?.failure, explain && ((code) => explain(code, request)));
    if (wire.cause !== undefined) {
      logger.error({ err: wire.cause, route: route?.pattern }, 'http request failed');
    }
    if (closing) response.shouldKeepAlive = false;
    sendError(message, response, wire);
  }

  function run(
    message: IncomingMessage,
    response: ServerResponse,
    { route }: Match,
    request: ServerRequest,
  ): void {
    let answer: HttpResponse | Promise<HttpResponse>;
    try {
      answer = route.handle(request);
    } catch (error) {
      fail(message, response, error, request, route);
      return;
    }
    if (!(answer instanceof Promise)) {
      send(message, response, answer);
      return;
    }
    answer.then(
      (known) => send(message, response, known),
      (error: unknown) => fail(message, response, error, request, route),
    );
  }

  function handle(message: IncomingMessage, response: ServerResponse): void {
    if (measure) measure.begin(message, response);
    const target = message.url!;
    const path = cleanPath(target);
    const method = message.method!;
    logCall?.(message, response, path);
    if (cors?.(message, response)) return;
    let match: Match;
    try {
      if (path === undefined) throw new BadEscape(`"${target}" is not a path`);
      match = find(method, path) ?? other;
    } catch (error) {
      if (!(error instanceof BadEscape)) throw error;
      send(message, response, { status: 400, contentType: 'text/plain', body: error.message });
      return;
    }
    if (!mayEnter(message, match.route)) {
      const body = 'invalid api token';
      send(message, response, { status: 401, contentType: 'text/plain; charset=utf-8', body });
      return;
    }
    const { baggage } = message.headers;
    if (baggage !== undefined) {
      const body = baggageProblem(String(baggage));
      if (body !== undefined) {
        send(message, response, { status: 400, contentType: 'text/plain; charset=utf-8', body });
        return;
      }
    }
    if (tracer && !path.includes('/healthz')) beginHttpSpan(tracer, message, response, path);
    const request = new ServerRequest(message, path, match.params);
    if (piped) {
      void answerThrough(piped, message, request).then((answer) => send(message, response, answer));
      return;
    }
    if (match.route.streaming) {
      if (!isShort(message)) {
        if (hasBody(message)) request.stream = message;
        run(message, response, match, request);
        return;
      }
      collectBody(message, SHORT_BYTES, (body) => {
        if (!body) return;
        request.body = body;
        request.stream = chunks(body);
        run(message, response, match, request);
      });
    } else if (!hasBody(message)) {
      run(message, response, match, request);
    } else {
      collectBody(message, maxBody, (body, overflow) => {
        if (body) {
          request.body = body;
          run(message, response, match, request);
        } else if (overflow) {
          response.shouldKeepAlive = false;
          fail(
            message,
            response,
            new ApiError(
              'BODY_TOO_LARGE',
              `failed to read request body: it is larger than the limit of ${maxBody} bytes; raise maxBodyBytes or send less`,
            ),
          );
        }
      });
    }
  }

  return {
    handle,
    leave() {
      closing = true;
    },
  };
}
