/** Heads of HTTP/1.1 as text in latin1: of requests as they are sent, of answers as they came. */
import { validateHeaderName, validateHeaderValue } from '../node-http.ts';

export type AnswerHeaders = Record<string, string | string[]>;

export interface AnswerHead {
  readonly status: number;
  /** The minor version of HTTP/1. */
  readonly minor: number;
  /** Names in lower case; `set-cookie` as a list, what came several times joined by commas. */
  readonly headers: AnswerHeaders;
}

export interface RequestHead {
  readonly method: string;
  /** With the query. */
  readonly path: string;
  /** Sent where the headers name no host. */
  readonly host: string;
  readonly headers?: Readonly<Record<string, string | readonly string[] | undefined>> | undefined;
  /** The header that frames the body; undefined for none. The caller's own are not sent. */
  readonly framing: string | undefined;
}

const TOKEN = /^[!#$%&'*+\-.^_`|~\dA-Za-z]+$/;
const NOT_IN_PATH = /[^\u0021-\u00ff]/;
const NOT_IN_VALUE = /[^\t\u0020-\u007e\u0080-\u00ff]/;

/** Of these the first counts where an app sends several, as in Node's own client. */
const ONCE = new Set([
  'age',
  'authorization',
  'content-type',
  'etag',
  'expires',
  'from',
  'host',
  'if-modified-since',
  'if-unmodified-since',
  'last-modified',
  'location',
  'max-forwards',
  'proxy-authorization',
  'referer',
  'retry-after',
  'server',
  'user-agent',
]);

/** Errors: TypeError for what would not be one request, such as a line end in a value. */
export function requestHead({ method, path, host, headers = {}, framing }: RequestHead): string {
  if (!TOKEN.test(method)) throw new TypeError(`"${method}" is not a method of HTTP`);
  if (NOT_IN_PATH.test(path)) throw new TypeError('Request path contains unescaped characters');
  let head = `${method.toUpperCase()} ${path} HTTP/1.1\r\n`;
  let hasHost = false;
  for (const name of Object.keys(headers)) {
    const value = headers[name];
    if (value === undefined) continue;
    const known = name.toLowerCase();
    if (known === 'content-length' || known === 'transfer-encoding') continue;
    if (known === 'host') hasHost = true;
    validateHeaderName(name);
    if (typeof value === 'string') {
      validateHeaderValue(name, value);
      head += `${name}: ${value}\r\n`;
      continue;
    }
    for (const one of value) {
      validateHeaderValue(name, one);
      head += `${name}: ${one}\r\n`;
    }
  }
  if (!hasHost) head += `host: ${host}\r\n`;
  return framing === undefined ? `${head}\r\n` : `${head}${framing}\r\n\r\n`;
}

/** Errors: what is no head of HTTP/1. */
export function readHead(text: string): AnswerHead {
  const lines = text.split('\r\n');
  const parts = /^HTTP\/1\.([01]) (\d{3})(?: |$)/.exec(lines[0]!);
  if (!parts) throw new Error('its answer is not HTTP/1.1');
  return { minor: Number(parts[1]), status: Number(parts[2]), headers: readFields(lines, 1) };
}

const isBlank = (code: number): boolean => code === 32 || code === 9;

export function readFields(lines: readonly string[], from: number): AnswerHeaders {
  const fields: AnswerHeaders = {};
  for (let at = from; at < lines.length; at++) {
    const line = lines[at]!;
    const colon = line.indexOf(':');
    const name = line.slice(0, Math.max(colon, 0)).toLowerCase();
    // Not String.trim(), which takes more than blanks: the byte 0xa0 may end a text in UTF-8.
    let start = colon + 1;
    let end = line.length;
    while (start < end && isBlank(line.charCodeAt(start))) start++;
    while (start < end && isBlank(line.charCodeAt(end - 1))) end--;
    const value = line.slice(start, end);
    if (!TOKEN.test(name) || NOT_IN_VALUE.test(value)) {
      throw new Error('its answer has a header that is malformed');
    }
    if (name === 'set-cookie') {
      const cookies = fields[name] as string[] | undefined;
      if (cookies) cookies.push(value);
      else fields[name] = [value];
    } else if (!Object.hasOwn(fields, name)) fields[name] = value;
    else if (!ONCE.has(name)) fields[name] += `${name === 'cookie' ? '; ' : ', '}${value}`;
  }
  return fields;
}

/** Whether the app closes the connection behind this answer. */
export function endsConnection({ minor, headers }: AnswerHead): boolean {
  const connection = headers['connection'] as string | undefined;
  if (minor === 0) return !/(?:^|[\s,])keep-alive(?:$|[\s,])/i.test(connection ?? '');
  return connection !== undefined && /(?:^|[\s,])close(?:$|[\s,])/i.test(connection);
}

/** A second less than the app says: a request that is under way then would meet a closed door. */
export function idleMsOf(headers: AnswerHeaders): number {
  const hint = headers['keep-alive'] as string | undefined;
  const seconds = hint === undefined ? undefined : /timeout=(\d+)/i.exec(hint)?.[1];
  return seconds === undefined ? Infinity : (Number(seconds) - 1) * 1000;
}
