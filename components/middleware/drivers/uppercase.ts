/** `middleware.http.uppercase`: makes bodies upper case; for trying out pipelines. */
import type { ComponentOptions, Driver, MetadataField } from '../../component.ts';
import { readMetadata } from '../../metadata.ts';
import type { Middleware, MiddlewareResponse } from '../contract.ts';
import { createStep } from '../step.ts';

const fields: readonly MetadataField[] = [
  {
    name: 'direction',
    description: 'Which bodies: `request`, `response` or `both`. Default `request`.',
  },
];

const DIRECTIONS = ['request', 'response', 'both'];

/** Characters that the end of a chunk cuts in two are kept for the next one. */
async function* upperCase(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const decoder = new TextDecoder();
  for await (const chunk of body) {
    const text = decoder.decode(chunk, { stream: true });
    if (text !== '') yield Buffer.from(text.toUpperCase());
  }
  const rest = decoder.decode();
  if (rest !== '') yield Buffer.from(rest.toUpperCase());
}

function upperAnswer(answer: MiddlewareResponse): MiddlewareResponse {
  const { body, stream } = answer;
  if (stream) return { ...answer, stream: upperCase(stream) };
  if (body === undefined) return answer;
  const text = typeof body === 'string' ? body : new TextDecoder().decode(body);
  return { ...answer, body: text.toUpperCase() };
}

function create(options: ComponentOptions): Middleware {
  const metadata = readMetadata(options, fields);
  const direction = metadata.text('direction')?.toLowerCase() ?? 'request';
  if (!DIRECTIONS.includes(direction))
    throw metadata.refuse('direction', `must be one of ${DIRECTIONS.join(', ')}`);
  return createStep(options, async (request, next) => {
    const { body } = request;
    const answer = await next(
      direction !== 'response' && body ? { ...request, body: upperCase(body) } : request,
    );
    return direction === 'request' ? answer : upperAnswer(answer);
  });
}

export const driver: Driver<Middleware> = { fields, create: async (options) => create(options) };
