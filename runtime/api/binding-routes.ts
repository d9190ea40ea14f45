/** HTTP rows of the bindings block. */
import { toHttpError } from './api-error.ts';
import type { BindingsApi } from './bindings.ts';
import {
  isObject,
  jsonOf,
  malformed,
  membersOf,
  textOf,
  textsOf,
  type HttpRequest,
  type HttpResponse,
  type HttpRoute,
} from './route.ts';
import { bindingTrace } from './trace-context.ts';

async function invoke(api: BindingsApi, request: HttpRequest): Promise<HttpResponse> {
  const { params, headers, signal } = request;
  const given = jsonOf(request.body);
  if (!isObject(given)) throw malformed('the body must be an object with "operation"');
  const body = membersOf(given, ['operation', 'data', 'metadata']);
  const { data, metadata, error } = await api.invoke(
    params[0]!,
    {
      operation: textOf(body['operation'], 'operation') ?? '',
      // daprd gives bindings JSON, so a text keeps its quotes.
      data: Buffer.from(JSON.stringify(body['data'] ?? null)),
      metadata: { ...textsOf(body['metadata'], 'metadata'), ...bindingTrace(headers) },
    },
    { signal },
  );
  const answered: Record<string, string> = {};
  for (const [name, value] of Object.entries(metadata)) answered[`metadata.${name}`] = value;
  if (error) {
    const { status, body: text } = toHttpError(error);
    return { status, body: text, headers: answered };
  }
  if (!data) return { status: 204, headers: answered };
  return { status: 200, body: data, headers: answered };
}

export function bindingRoutes(api: BindingsApi): HttpRoute[] {
  return [
    {
      methods: ['POST', 'PUT'],
      pattern: 'v1.0/bindings/{name}',
      handle: (request) => invoke(api, request),
    },
  ];
}
