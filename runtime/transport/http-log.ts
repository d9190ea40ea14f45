/**
 * Requests over HTTP in the API log. Where paths are not to be seen, a request
 * is named by what it is of.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { targetOf } from '../api/invoke-route.ts';
import type { EngineLogger } from '../core/ports.ts';
import { beginLine } from './api-log.ts';

export interface HttpLogOptions {
  readonly log: EngineLogger;
  /** Names of keys, actors and methods stay out of the log. */
  readonly obfuscateUrls: boolean;
  readonly omitHealthChecks: boolean;
}

/** Segments of a path that say which API it is, before those that the caller chose. */
const API_SEGMENTS = 2;

/** `path` is cleaned; undefined for a target that is no path. */
export type HttpLog = (
  message: IncomingMessage,
  response: ServerResponse,
  path: string | undefined,
) => void;

export function createHttpLog({ log, obfuscateUrls, omitHealthChecks }: HttpLogOptions): HttpLog {
  return (message, response, path) => {
    if (omitHealthChecks && path?.startsWith('/v1.0/healthz')) return;
    const write = beginLine(log, 'HTTP');
    response.once('finish', () => {
      write({
        method: obfuscateUrls ? nameOf(message, path) : `${message.method} ${message.url}`,
        code: response.statusCode,
        size: response.getHeader('content-length'),
        useragent: message.headers['user-agent'],
      });
    });
  };
}

/** `InvokeService/shop`, `InvokeActor/Order`, else the verb and the API: `GET /v1.0/state`. */
function nameOf(message: IncomingMessage, path: string = ''): string {
  const parts = path.split('/').slice(1);
  if (parts[1] === 'actors' && parts[4] === 'method') return `InvokeActor/${parts[2]}`;
  const isApi = parts[0]?.startsWith('v1.0') === true && parts[1] !== 'invoke';
  if (isApi) return `${message.method} /${parts.slice(0, API_SEGMENTS).join('/')}`;
  try {
    return `InvokeService/${targetOf(path, message.headers)?.target ?? ''}`;
  } catch {
    return 'InvokeService';
  }
}
