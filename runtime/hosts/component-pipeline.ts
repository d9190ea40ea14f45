/**
 * A pipeline of HTTP middleware: steps by name, in their order, around whatever
 * answers at the end. A step whose component is not loaded is passed over, as
 * in Dapr, and takes its place when it comes.
 */
import type {
  Middleware,
  MiddlewareRequest,
  MiddlewareResponse,
  Next,
} from '../../components/middleware/contract.ts';
import type { AppChannel, AppResponse } from '../api/invoke.ts';
import type { Handler } from '../config/configuration.ts';
import type { LoadedMiddleware } from './loaded-components.ts';

export interface Pipeline {
  run(request: MiddlewareRequest, last: Next): Promise<MiddlewareResponse>;
}

/** Undefined without steps, so that nothing is paid for none. */
export function createPipeline(
  handlers: readonly Handler[],
  middlewares: ReadonlyMap<string, LoadedMiddleware>,
): Pipeline | undefined {
  if (handlers.length === 0) return undefined;
  const find = ({ name, type, version }: Handler): Middleware | undefined => {
    const found = middlewares.get(name);
    return found?.type === type && found.version === version ? found.middleware : undefined;
  };
  return {
    run(request, last) {
      const steps = handlers.map(find).filter((step) => step !== undefined);
      const at = (index: number): Next => {
        const step = steps[index];
        return step ? (given) => step.handle(given, at(index + 1)) : last;
      };
      return at(0)(request);
    },
  };
}

async function* single(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

async function* nothing(): AsyncGenerator<Uint8Array> {}

/** Calls to the app take the pipeline: whatever is sent to it, by whomever. */
export function pipeChannel<C extends AppChannel>(channel: C, pipeline: Pipeline | undefined): C {
  if (!pipeline) return channel;
  const invoke: C['invoke'] = async (request) => {
    const { body } = request;
    let answered: AppResponse | undefined;
    const streamed = body instanceof Uint8Array ? single(body) : body;
    const answer = await pipeline.run(
      {
        method: request.method,
        path: request.path,
        query: request.query,
        headers: request.headers,
        remoteAddress: undefined,
        body: streamed,
      },
      async (changed) => {
        const { 'content-length': _length, ...headers } = changed.headers;
        const isSame = changed.body === streamed;
        answered = await channel.invoke({
          ...request,
          ...changed,
          headers: isSame ? changed.headers : headers,
          body: isSame ? body : changed.body,
        });
        return { status: answered.status, headers: answered.headers, stream: answered.body };
      },
    );
    return {
      ...answered,
      status: answer.status,
      headers: headersOf(answer),
      body: bodyOf(answer),
    };
  };
  return { ...channel, invoke };
}

function headersOf({
  headers = {},
  contentType,
  body,
  stream,
}: MiddlewareResponse): AppResponse['headers'] {
  const { 'content-length': _length, ...rest } = headers;
  return body === undefined || stream
    ? rest
    : { ...rest, 'content-type': contentType ?? 'application/json' };
}

function bodyOf({ body, stream }: MiddlewareResponse): AsyncIterable<Uint8Array> {
  if (stream) return stream;
  if (body === undefined) return nothing();
  return single(typeof body === 'string' ? Buffer.from(body) : body);
}
