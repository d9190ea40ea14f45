/**
 * InvokeService, which Dapr keeps for callers without the proxy: one message
 * to a method of an app, its HTTP status as a gRPC code and as the header
 * `dapr-http-status`.
 */
import { ApiError } from '../../../api/api-error.ts';
import type { AppResponse, InvokeApi } from '../../../api/invoke.ts';
import { STATUS_CODES } from '../../node-http.ts';
import type { Call } from '../call.ts';
import { bytesOfAny, typeOfAny, type AnyBytes } from '../any.ts';
import { grpcHeaders, httpHeaders, methodOfVerb } from '../crossing.ts';
import { unary, type MethodRow } from '../registry.ts';
import { httpErrorInfo } from '../status-details.ts';
import { CODES, codeOfHttp, GrpcError } from '../status.ts';

interface InvokeMessage {
  readonly id: string;
  readonly message?: {
    readonly method: string;
    readonly data?: AnyBytes | null;
    readonly contentType: string;
    readonly httpExtension?: { readonly verb: number; readonly querystring: string } | null;
  } | null;
}

export async function collect({ body, whole }: AppResponse, maxBytes: number): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  const keep = (chunk: Uint8Array): void => {
    size += chunk.byteLength;
    if (size > maxBytes) {
      throw new GrpcError(
        'RESOURCE_EXHAUSTED',
        `the app's answer is larger than the limit of ${maxBytes} bytes`,
      );
    }
    chunks.push(chunk);
  };
  const all = whole?.();
  if (all) keep(all);
  else for await (const chunk of body) keep(chunk);
  return Buffer.concat(chunks);
}

async function invoke(
  api: InvokeApi,
  request: InvokeMessage,
  call: Call,
  maxBytes: number,
): Promise<object> {
  const { id, message } = request;
  if (!message) throw new ApiError('BAD_REQUEST', 'invalid request: a message is required');
  const data = bytesOfAny(message.data);
  const headers = httpHeaders(call.headers);
  headers['content-type'] = message.contentType || 'application/json';
  const answer = await api.invoke({
    target: id,
    path: message.method,
    method: methodOfVerb(message.httpExtension?.verb),
    query: message.httpExtension?.querystring ?? '',
    headers: { ...headers, 'content-length': String(data.byteLength) },
    body: data.byteLength > 0 ? data : undefined,
    typeUrl: typeOfAny(message.data),
    signal: call.signal,
  });
  const body = await collect(answer, maxBytes);
  if (answer.grpc) {
    const { status, trailers } = answer.grpc;
    call.addTrailers(trailers);
    if (status.code !== CODES.OK) {
      throw new GrpcError(status.code, status.message, { detailBytes: status.details });
    }
  }
  call.addHeaders({
    ...grpcHeaders(answer.headers),
    ...(answer.grpc ? {} : { 'dapr-http-status': String(answer.status) }),
  });
  const code = codeOfHttp(answer.status);
  if (code !== CODES.OK) {
    const text = STATUS_CODES[answer.status] ?? '';
    throw new GrpcError(code, text, {
      details: [httpErrorInfo(answer.status, text, body.toString())],
    });
  }
  const type = answer.headers['content-type'];
  return {
    data: { type_url: answer.typeUrl ?? '', value: body },
    contentType: typeof type === 'string' ? type : 'application/json',
  };
}

export function invokeMethods(api: InvokeApi, maxBytes: number): MethodRow[] {
  return [
    unary<InvokeMessage, object>(
      'InvokeService',
      (request, call) => invoke(api, request, call, maxBytes),
      { failure: 'DIRECT_INVOKE' },
    ),
  ];
}
