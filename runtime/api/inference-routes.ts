/** HTTP rows of the Open Inference Protocol v2 over a model server; errors are `{"error"}` as the protocol has them. */
import { isTroupeError, TroupeError } from '../core/errors.ts';
import { rowOf } from './api-error.ts';
import type { ModelServer, ServedSpec } from './inference.ts';
import { datatypeOf, decodeInfer, encodeInfer, type InferRequest } from './inference-codec.ts';
import { isObject, json, type HttpRequest, type HttpResponse, type HttpRoute } from './route.ts';

export interface InferenceRoutesOptions {
  readonly models: ModelServer;
  /** Milliseconds since the epoch, by the clock of the model server's deadlines. */
  readonly now: () => number;
  readonly version: string;
  readonly ready: () => boolean;
  /** Of what is unexpected; its text is not sent. */
  readonly onError: (error: unknown) => void;
}

const EXTENSIONS = ['binary_tensor_data', 'model_repository', 'schedule_policy'];
const OK: HttpResponse = { status: 200 };
const NOT_READY: HttpResponse = { status: 400 };

function failed(error: unknown, onError: (error: unknown) => void): HttpResponse {
  if (!isTroupeError(error)) {
    onError(error);
    return json(
      { error: 'the request failed unexpectedly; the log of the server has the cause' },
      500,
    );
  }
  const { retryAfterMs } = (isObject(error.details) ? error.details : {}) as {
    retryAfterMs?: number;
  };
  const answer = json({ error: error.message }, rowOf(error).status);
  if (retryAfterMs === undefined) return answer;
  const seconds = String(Math.max(1, Math.ceil(retryAfterMs / 1000)));
  return {
    ...answer,
    headers: { 'retry-after': seconds, 'retry-after-ms': String(Math.ceil(retryAfterMs)) },
  };
}

/** What may stand in `parameters` of a request. */
const KNOWN = ['binary_data_output', 'priority', 'timeout'];

function optionsOf({ parameters }: InferRequest, now: () => number) {
  for (const name of Object.keys(parameters)) {
    if (!KNOWN.includes(name)) {
      const text = `parameter ${name} is not served; known are ${KNOWN.join(', ')}`;
      throw new TroupeError('UNSUPPORTED', text);
    }
  }
  const { priority, timeout } = parameters;
  const microseconds = timeout === undefined ? 0 : timeout;
  if (typeof microseconds !== 'number' || !(microseconds >= 0)) {
    throw new TroupeError('INVALID_ARGUMENT', 'timeout must be microseconds from 0');
  }
  if (priority !== undefined && typeof priority !== 'number') {
    throw new TroupeError('INVALID_ARGUMENT', 'priority must be a number');
  }
  return {
    // Both are absent when 0.
    ...(priority ? { priority } : {}),
    ...(microseconds > 0 ? { deadline: now() + microseconds / 1000 } : {}),
  };
}

export function inferenceRoutes({
  models,
  now,
  version: serverVersion,
  ready,
  onError,
}: InferenceRoutesOptions): HttpRoute[] {
  const tensors = (specs: readonly ServedSpec[]) =>
    specs.map(({ name, type, shape }) => ({ name, datatype: datatypeOf(type), shape }));

  function metadata(name: string, version: string | undefined): HttpResponse {
    const { versions, inputs, outputs } = models.model(name, version);
    return json({
      name,
      versions,
      platform: 'onnxruntime_onnx',
      inputs: tensors(inputs),
      outputs: tensors(outputs),
    });
  }

  async function infer(
    name: string,
    version: string | undefined,
    request: HttpRequest,
  ): Promise<HttpResponse> {
    const asked = decodeInfer(request);
    const options = { ...optionsOf(asked, now), signal: request.signal };
    const prediction = await models.predict(name, asked.inputs, {
      ...options,
      ...(version === undefined ? {} : { version }),
    });
    return encodeInfer(asked, prediction);
  }

  async function index({ body }: HttpRequest): Promise<HttpResponse> {
    const asked: unknown = body.byteLength > 0 ? JSON.parse(new TextDecoder().decode(body)) : {};
    const onlyReady = isObject(asked) && asked['ready'] === true;
    const states = await models.index();
    return json(onlyReady ? states.filter(({ state }) => state === 'READY') : states);
  }

  function refuseParameters({ body }: HttpRequest): void {
    if (body.byteLength === 0) return;
    const asked: unknown = JSON.parse(new TextDecoder().decode(body));
    const parameters = isObject(asked) ? asked['parameters'] : undefined;
    for (const name of Object.keys(isObject(parameters) ? parameters : {})) {
      if (name === 'unload_dependents') continue;
      const text = `parameter ${name} is not served: config and files are those in the repository`;
      throw new TroupeError('UNSUPPORTED', text);
    }
  }

  const row = (
    method: string,
    pattern: string,
    run: (request: HttpRequest) => HttpResponse | Promise<HttpResponse>,
    open = false,
  ): HttpRoute => ({
    methods: [method],
    pattern,
    ...(open ? { open } : {}),
    handle: async (request) => {
      try {
        return await run(request);
      } catch (error) {
        if (!(error instanceof SyntaxError)) return failed(error, onError);
        const text = `the request is not JSON: ${error.message}`;
        return failed(new TroupeError('INVALID_ARGUMENT', text), onError);
      }
    },
  });

  const change = (what: 'load' | 'unload') => async (request: HttpRequest) => {
    refuseParameters(request);
    await models[what](request.params[0]!);
    return OK;
  };
  const isReady = (name: string, version?: string) =>
    models.isReady(name, version) ? OK : NOT_READY;

  return [
    row('GET', 'v2/health/live', () => OK, true),
    row('GET', 'v2/health/ready', () => (ready() ? OK : NOT_READY), true),
    row('GET', 'v2', () =>
      json({ name: 'troupe', version: serverVersion, extensions: EXTENSIONS }),
    ),
    row('GET', 'v2/models/{model}', ({ params }) => metadata(params[0]!, undefined)),
    row('GET', 'v2/models/{model}/versions/{version}', ({ params }) =>
      metadata(params[0]!, params[1]),
    ),
    row('GET', 'v2/models/{model}/ready', ({ params }) => isReady(params[0]!)),
    row('GET', 'v2/models/{model}/versions/{version}/ready', ({ params }) =>
      isReady(params[0]!, params[1]),
    ),
    row('POST', 'v2/models/{model}/infer', (r) => infer(r.params[0]!, undefined, r)),
    row('POST', 'v2/models/{model}/versions/{version}/infer', (r) =>
      infer(r.params[0]!, r.params[1], r),
    ),
    row('POST', 'v2/repository/index', index),
    row('POST', 'v2/repository/models/{model}/load', change('load')),
    row('POST', 'v2/repository/models/{model}/unload', change('unload')),
    row('GET', 'v2/metrics', () => ({
      status: 200,
      contentType: 'text/plain; version=0.0.4; charset=utf-8',
      body: models.metrics(),
    })),
  ];
}
