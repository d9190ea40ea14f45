/**
 * Headers that cross between HTTP and gRPC, by Dapr's rules: hop-by-hop ones
 * stay behind, HTTP's own get the prefix `dapr-` in metadata, gRPC's own get
 * it in headers, the trace changes its form. Methods become numbers.
 */
import type { HeaderValues } from '../../api/route.ts';
import { firstOf, type Metadata } from './metadata.ts';
import { traceBytes, traceOf } from './trace.ts';

const PREFIX = 'dapr-';

export const HOP_BY_HOP = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'http2-settings',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

const HTTP_OWN = new Set([
  'accept',
  'accept-charset',
  'accept-language',
  'accept-ranges',
  'cache-control',
  'content-type',
  'content-length',
  'cookie',
  'date',
  'expect',
  'from',
  'host',
  'if-match',
  'if-modified-since',
  'if-none-match',
  'if-schedule-tag-match',
  'if-unmodified-since',
  'max-forwards',
  'origin',
  'pragma',
  'referer',
  'via',
  'warning',
]);

const TRACE = new Set(['traceparent', 'tracestate', 'grpc-trace-bin']);

function copied(value: string | readonly string[]): string | string[] {
  return typeof value === 'string' ? value : [...value];
}

/** Metadata of a gRPC call as headers of an HTTP request. */
export function httpHeaders(metadata: HeaderValues): Record<string, string | string[]> {
  const headers: Record<string, string | string[]> = {};
  for (const [name, value] of Object.entries(metadata)) {
    if (value === undefined || HOP_BY_HOP.has(name) || TRACE.has(name)) continue;
    if (name.endsWith('-bin') || name === 'content-type' || name === 'content-length') continue;
    if (name.startsWith(':')) headers[PREFIX + name.slice(1)] = copied(value);
    else headers[name.startsWith('grpc-') ? PREFIX + name : name] = copied(value);
  }
  return { ...headers, ...traceOf({ headers: metadata as never }) };
}

/** Headers of an HTTP message as metadata of a gRPC call. */
export function grpcHeaders(headers: HeaderValues): Record<string, string | string[]> {
  const metadata: Record<string, string | string[]> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined || HOP_BY_HOP.has(name) || TRACE.has(name)) continue;
    metadata[HTTP_OWN.has(name) ? PREFIX + name : name] = copied(value);
  }
  const traceparent = firstOf(headers['traceparent']);
  const binary = traceparent === undefined ? undefined : traceBytes(traceparent);
  if (binary) metadata['grpc-trace-bin'] = binary.toString('base64');
  return metadata;
}

/** Meant for the sidecar that a call came to, or counted anew. */
const NOT_ONWARD = new Set(['content-length', 'dapr-api-token', 'dapr-app-id']);

/** Metadata that goes on from one gRPC call to the next. */
export function onward(metadata: Metadata): Metadata {
  return Object.fromEntries(
    Object.entries(metadata).filter(([name]) => !HOP_BY_HOP.has(name) && !NOT_ONWARD.has(name)),
  );
}

/** Methods by their number in HTTPExtension; one without a verb is a POST. */
const VERBS = [
  'POST',
  'GET',
  'HEAD',
  'POST',
  'PUT',
  'DELETE',
  'CONNECT',
  'OPTIONS',
  'TRACE',
  'PATCH',
] as const;

export const methodOfVerb = (verb: number = 0): string => VERBS[verb] ?? 'POST';

/** 0, which is none, for a method that has no number. */
export const verbOf = (method: string): number => Math.max(VERBS.lastIndexOf(method as 'GET'), 0);
