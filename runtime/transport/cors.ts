/** CORS as daprd's `--allowed-origins`: off unless origins are named. */
import type { IncomingMessage, ServerResponse } from 'node:http';

const METHODS = 'HEAD,GET,POST,PUT,PATCH,DELETE';

/** Sets the headers of a request with an origin. True when it was a preflight and is answered. */
export function createCors(
  allowed: string | undefined,
): ((message: IncomingMessage, response: ServerResponse) => boolean) | undefined {
  if (!allowed) return undefined;
  const any = allowed.trim() === '*';
  const origins = new Set(allowed.split(',').map((origin) => origin.trim()));
  return ({ headers, method }, response) => {
    const { origin } = headers;
    if (origin === undefined) return false;
    const permitted = any || origins.has(origin);
    response.setHeader('vary', 'Origin');
    if (permitted) response.setHeader('access-control-allow-origin', any ? '*' : origin);
    const wanted = headers['access-control-request-method'];
    if (method !== 'OPTIONS' || wanted === undefined) return false;
    if (permitted) {
      response.setHeader('access-control-allow-methods', METHODS);
      const asked = headers['access-control-request-headers'];
      if (asked !== undefined) response.setHeader('access-control-allow-headers', asked);
    }
    response.writeHead(200).end();
    return true;
  };
}
