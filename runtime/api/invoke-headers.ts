/** Which headers cross an invocation, by Dapr's rules for HTTP on both sides. */
import { headerOf, type HeaderValues } from './route.ts';

const HOP_BY_HOP = new Set([
  'connection',
  'http2-settings',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);
const NOT_FORWARDED = new Set([
  'host',
  'dapr-app-id',
  'dapr-api-token',
  'dapr-caller-app-id',
  'dapr-caller-namespace',
  'dapr-callee-app-id',
]);

export type Values = Record<string, string | readonly string[]>;

function endToEnd(headers: HeaderValues): Values {
  const named =
    headerOf(headers, 'connection')
      ?.toLowerCase()
      .split(/\s*,\s*/) ?? [];
  const kept: Values = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined || HOP_BY_HOP.has(name) || named.includes(name)) continue;
    if (name.endsWith('-bin')) continue;
    kept[name] = value;
  }
  return kept;
}

/** Headers that have a value. */
export const known = (headers: HeaderValues): Values =>
  Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, value]],
    ),
  );

/** Of the caller's headers, what goes to an address outside. */
export function outsideHeaders(headers: HeaderValues): Values {
  const kept = endToEnd(headers);
  for (const name of NOT_FORWARDED) delete kept[name];
  return kept;
}

/** Of the caller's headers, what goes to an app; who calls whom is this host's word. */
export function requestHeaders(
  headers: HeaderValues,
  { caller, namespace, callee }: { caller: string; namespace: string | undefined; callee: string },
): Values {
  const kept = outsideHeaders(headers);
  kept['dapr-caller-app-id'] = caller;
  kept['dapr-callee-app-id'] = callee;
  if (namespace) kept['dapr-caller-namespace'] = namespace;
  return kept;
}

/** Of an app's headers, what goes back to the caller. */
export function responseHeaders(headers: HeaderValues): Values {
  const kept = endToEnd(headers);
  delete kept['content-length'];
  // Announces what comes behind the body, which is passed on too.
  const { trailer } = headers;
  if (trailer !== undefined) kept['trailer'] = trailer;
  return kept;
}
