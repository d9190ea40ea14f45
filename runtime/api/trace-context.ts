/** Trace context and baggage of requests: what is valid, and a context of its own for what came without one. */
import { randomUUID } from 'node:crypto';
import { traceOf, type HeaderValues } from './route.ts';

const KEY = /^[\w!#$%&'*+\-.^`|~]+$/;
const VALUE = /^[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]*$/;
const MAX_BYTES = 8192;
const MAX_MEMBERS = 180;

/**
 * Why a `baggage` header cannot be taken; undefined when it can.
 *
 * Source: W3C Baggage.
 */
export function baggageProblem(text: string): string | undefined {
  if (text.trim() === '') return undefined;
  if (text.length > MAX_BYTES) return `invalid baggage header: more than ${MAX_BYTES} bytes`;
  const members = text.split(',');
  if (members.length > MAX_MEMBERS) {
    return `invalid baggage header: more than ${MAX_MEMBERS} members`;
  }
  for (const member of members) {
    const [pair = '', ...properties] = member.split(';');
    const at = pair.indexOf('=');
    const isPair =
      at > 0 && KEY.test(pair.slice(0, at).trim()) && VALUE.test(pair.slice(at + 1).trim());
    const areProperties = properties.every((one) => {
      const [key = '', value = ''] = one.split('=', 2);
      return KEY.test(key.trim()) && VALUE.test(value.trim());
    });
    if (!isPair || !areProperties) {
      return `invalid baggage header: invalid baggage list-member: ${JSON.stringify(member)}`;
    }
  }
  return undefined;
}

/** What daprd tells an app of an event that has no trace; in the event itself it is an empty text. */
export const NO_TRACE = `00-${'0'.repeat(32)}-${'0'.repeat(16)}-00`;

/** Begins a trace that nobody samples, so that what follows can be told to belong together. */
export function freshTraceparent(): string {
  // Node draws the random bits of many UUIDs at once, which costs half of what bytes for each trace do.
  const [, , , variant = '', node = ''] = randomUUID().split('-');
  return `00-${randomUUID().replaceAll('-', '')}-${variant}${node}-00`;
}

/** What an output binding is told of the trace, always with a traceparent. */
export function bindingTrace(headers: HeaderValues): Record<string, string> {
  const trace = traceOf(headers);
  return trace?.['traceparent'] === undefined
    ? { ...trace, traceparent: freshTraceparent() }
    : trace;
}

/** The headers, with a traceparent. */
export function withTrace(headers: HeaderValues): HeaderValues {
  return headers['traceparent'] === undefined
    ? { ...headers, traceparent: freshTraceparent() }
    : headers;
}

/** daprd's name of the span of a request: what is called, where the path tells, else the path. */
export function spanNameOf(path: string): string {
  const [, , block, first = '', second = '', third, ...rest] = path.split('/');
  if (block === 'invoke' && second === 'method') {
    return `CallLocal/${first}/${[third, ...rest].filter((one) => one !== undefined).join('/')}`;
  }
  if (block === 'actors' && third === 'method') return `CallActor/${first}/${rest.join('/')}`;
  return path;
}
