/** The API token: compared in constant time, whatever its length. */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { HttpRoute } from '../api/route.ts';

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

/** True for a request that may enter: no token is set, the route is open, or the header matches. */
export function createTokenCheck(
  token: string | undefined,
): (message: IncomingMessage, route: HttpRoute) => boolean {
  if (!token) return () => true;
  const expected = digest(token);
  return ({ headers }, route) => {
    if (route.open) return true;
    const given = headers['dapr-api-token'];
    return typeof given === 'string' && timingSafeEqual(digest(given), expected);
  };
}
