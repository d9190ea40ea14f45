/** The API token: compared in constant time, whatever its length. */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { HttpRoute } from '../api/route.ts';

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

/** True for a value that is the token, and for any value when no token is set. */
export function createTokenMatch(token: string | undefined): (given: unknown) => boolean {
  if (!token) return () => true;
  const expected = digest(token);
  return (given) => typeof given === 'string' && timingSafeEqual(digest(given), expected);
}

/** True for a request that may enter: no token is set, the route is open, or the header matches. */
export function createTokenCheck(
  token: string | undefined,
): (message: IncomingMessage, route: HttpRoute) => boolean {
  if (!token) return () => true;
  const matches = createTokenMatch(token);
  return ({ headers }, route) => route.open === true || matches(headers['dapr-api-token']);
}
