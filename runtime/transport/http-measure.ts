/**
 * Measures requests of the HTTP API: counts, latency and sizes, when an answer
 * has gone out or its client has gone away. Only used where somebody collects.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { HttpResponse } from '../api/route.ts';
import type { Telemetry } from '../core/telemetry.ts';

export interface HttpMeasure {
  begin(message: IncomingMessage, response: ServerResponse): void;
  /** The answer, whose streamed bytes are counted on their way. */
  counted(response: ServerResponse, answer: HttpResponse): HttpResponse;
}

export function createHttpMeasure(telemetry: Telemetry): HttpMeasure {
  const streamed = new WeakMap<ServerResponse, number>();

  async function* counting(
    response: ServerResponse,
    stream: AsyncIterable<Uint8Array>,
  ): AsyncGenerator<Uint8Array> {
    for await (const chunk of stream) {
      streamed.set(response, (streamed.get(response) ?? 0) + chunk.byteLength);
      yield chunk;
    }
  }

  return {
    begin(message, response) {
      const startedAt = performance.now();
      response.once('close', () => {
        const labels = {
          method: message.method!,
          path: pathOf(message.url!),
          status: String(response.statusCode),
        };
        telemetry.count('http_server_request_count', labels);
        telemetry.count('http_server_response_count', labels);
        telemetry.observe('http_server_latency', labels, performance.now() - startedAt);
        const length = Number(message.headers['content-length'] ?? 0);
        telemetry.observe('http_server_request_bytes', {}, length);
        const known = response.getHeader('content-length');
        const size = known === undefined ? (streamed.get(response) ?? 0) : Number(known);
        telemetry.observe('http_server_response_bytes', {}, size);
      });
    },
    counted: (response, answer) =>
      answer.stream && answer.headers?.['content-length'] === undefined
        ? { ...answer, stream: counting(response, answer.stream) }
        : answer,
  };
}

function pathOf(target: string): string {
  const at = target.indexOf('?');
  return at < 0 ? target : target.slice(0, at);
}
