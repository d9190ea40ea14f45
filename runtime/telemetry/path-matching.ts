/**
 * What stands for a path in the label of a metric: a pattern of the
 * configuration that it matches; else, with increased cardinality, the path
 * with ids of actors and keys of state taken out; else nothing.
 *
 * Patterns are those of Go's ServeMux: `{name}` is one segment, `{name...}`
 * at the end is the rest, a slash at the end is everything below. The most
 * specific pattern wins. Source: Dapr's metrics configuration.
 */

export interface PathSettings {
  readonly increasedCardinality: boolean;
  readonly pathMatching: readonly string[];
}

const STATIC = new Set(['/dapr/config', '/dapr/metrics', '/dapr/subscribe', '/healthz']);
const INVOKE = '/v1.0/invoke/';

export function createPathMatcher(settings: PathSettings): (path: string) => string {
  const patterns = [...new Set(settings.pathMatching.flatMap(withInvocation))]
    .map((text) => ({ text, segments: text.slice(1).split('/') }))
    .toSorted((a, b) => compareSpecificity(a.segments, b.segments));
  if (patterns.length === 0 && !settings.increasedCardinality) {
    return (raw) => (STATIC.has(raw) ? raw : '');
  }
  return (raw) => {
    if (STATIC.has(raw)) return raw;
    const path = normal(raw);
    const segments = path.slice(1).split('/');
    const found = patterns.find((pattern) => matches(pattern.segments, segments));
    if (found) return found.text;
    return settings.increasedCardinality ? withoutIds(path) : '';
  };
}

function normal(path: string): string {
  const one = path.replace(/\/{2,}/g, '/');
  return one.startsWith('/') ? one : `/${one}`;
}

/** A pattern of an app's path also stands for its invocation through the sidecar. */
function withInvocation(raw: string): string[] {
  const pattern = normal(raw);
  return pattern.startsWith(INVOKE) ? [pattern] : [pattern, `${INVOKE}{app_id}/method${pattern}`];
}

const isWild = (segment: string): boolean => segment.startsWith('{');
const isRest = (segment: string): boolean => segment === '' || segment.endsWith('...}');

function compareSpecificity(a: readonly string[], b: readonly string[]): number {
  for (let i = 0; i < Math.max(a.length, b.length); i++) {
    const rank = (segment: string | undefined): number => {
      if (segment === undefined) return 3;
      return isRest(segment) ? 2 : isWild(segment) ? 1 : 0;
    };
    const difference = rank(a[i]) - rank(b[i]);
    if (difference !== 0) return difference;
  }
  return 0;
}

function matches(pattern: readonly string[], path: readonly string[]): boolean {
  for (const [i, segment] of pattern.entries()) {
    if (isRest(segment) && i === pattern.length - 1) return path.length > i;
    const actual = path[i];
    if (actual === undefined || (!isWild(segment) && segment !== actual)) return false;
    if (isWild(segment) && actual === '') return false;
  }
  return pattern.length === path.length;
}

function withoutIds(path: string): string {
  const parts = path.slice(1).split('/');
  if (parts.length < 3) return path;
  if (parts[0] === 'actors') return ['actors', parts[1], '{id}', ...parts.slice(3)].join('/');
  switch (parts[1]) {
    case 'state':
    case 'secrets':
      return `/${parts.slice(0, 3).join('/')}`;
    case 'actors':
      if (parts.length < 5) return path;
      return `/${[...parts.slice(0, 3), '{id}', parts[4]].join('/')}`;
    default:
      return path;
  }
}
