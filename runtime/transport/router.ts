/**
 * From method and path to a route. Paths are split once and compared segment
 * by segment within the rows of their block (`v1.0/actors`), literals before
 * parameters; parameters are decoded only for the row that matched.
 */
import type { HttpRoute } from '../api/route.ts';

interface Row {
  readonly route: HttpRoute;
  readonly methods: ReadonlySet<string>;
  /** Literal text, or undefined for a parameter, of each segment after the leading slash. */
  readonly segments: readonly (string | undefined)[];
  readonly names: readonly string[];
  readonly wildcard: boolean;
}

export interface Match {
  readonly route: HttpRoute;
  readonly params: readonly string[];
}

/** A path parameter with a broken percent escape. */
export class BadEscape extends Error {}

const NO_PARAMS: readonly string[] = [];

function compile(route: HttpRoute): Row {
  const parts = route.pattern.split('/');
  const wildcard = parts.at(-1) === '*';
  if (wildcard) parts.pop();
  const names: string[] = [];
  const segments = parts.map((part) => {
    if (!part.startsWith('{')) return part;
    names.push(part.slice(1, -1));
    return undefined;
  });
  if (wildcard) names.push('*');
  return { route, methods: new Set(route.methods), segments, names, wildcard };
}

/** Dapr decodes path parameters as query text: `+` is a space. */
function decode(text: string, name: string): string {
  if (!text.includes('%') && !text.includes('+')) return text;
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    const escape = /%(?![0-9a-fA-F]{2}).{0,2}/.exec(text)?.[0] ?? text;
    throw new BadEscape(
      `failed to unescape request parameter "${name}". Error: invalid URL escape "${escape}"`,
    );
  }
}

function fits(row: Row, parts: readonly string[]): boolean {
  const { segments, wildcard } = row;
  // parts[0] is the empty text before the leading slash.
  if (wildcard ? parts.length < segments.length + 1 : parts.length !== segments.length + 1) {
    return false;
  }
  for (let i = 0; i < segments.length; i++) {
    const literal = segments[i];
    const part = parts[i + 1]!;
    if (literal === undefined ? part === '' : literal !== part) return false;
  }
  return true;
}

function paramsOf(row: Row, parts: readonly string[]): readonly string[] {
  if (row.names.length === 0) return NO_PARAMS;
  const params: string[] = [];
  for (let i = 0; i < row.segments.length; i++) {
    if (row.segments[i] === undefined) {
      params.push(decode(parts[i + 1]!, row.names[params.length]!));
    }
  }
  if (row.wildcard) params.push(decode(parts.slice(row.segments.length + 1).join('/'), '*'));
  return params;
}

/** Throws BadEscape from the returned function for a parameter that cannot be decoded. */
export function createRouter(
  routes: readonly HttpRoute[],
): (method: string, path: string) => Match | undefined {
  const versions = new Map<string, Map<string, Row[]>>();
  for (const route of routes) {
    const row = compile(route);
    const [version = '', block = ''] = row.segments.map((segment) => segment ?? '');
    const blocks = versions.get(version) ?? new Map<string, Row[]>();
    versions.set(version, blocks);
    blocks.set(block, [...(blocks.get(block) ?? []), row]);
  }
  return (method, path) => {
    const parts = path.split('/');
    const rows = versions.get(parts[1] ?? '')?.get(parts[2] ?? '');
    if (!rows) return undefined;
    for (const row of rows) {
      if (row.methods.has(method) && fits(row, parts)) {
        return { route: row.route, params: paramsOf(row, parts) };
      }
    }
    return undefined;
  };
}

/**
 * The path of a request target: without query, `//`, `.` and `..` steps and
 * trailing slash, as daprd cleans it. Undefined for a target that is no path.
 */
export function cleanPath(target: string): string | undefined {
  let path = target;
  const query = path.indexOf('?');
  if (query >= 0) path = path.slice(0, query);
  if (!path.startsWith('/')) {
    const absolute = /^https?:\/\/[^/]*(\/.*)?$/i.exec(path);
    if (!absolute) return undefined;
    path = absolute[1] ?? '/';
  }
  if (path.includes('//') || path.includes('/.')) {
    const steps: string[] = [];
    for (const step of path.split('/')) {
      if (step === '..') steps.pop();
      else if (step !== '' && step !== '.') steps.push(step);
    }
    path = `/${steps.join('/')}`;
  }
  return path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path;
}
