/** Which HTTP routes a Configuration leaves: `spec.api.allowed` and `spec.api.denied`, as Dapr reads them. */
import type { HttpRoute } from '../api/route.ts';
import type { ApiRule, Configuration } from '../config/configuration.ts';

/** Second segments of paths that belong to the API of another name. */
const NAMES: Readonly<Record<string, string>> = { workflow: 'workflows' };

const matches = (rule: ApiRule, name: string, version: string): boolean =>
  rule.name === name && rule.version === version;

/** Denying wins; rules that allow, allow nothing else. */
function isLeft(
  rules: Configuration['api'],
  protocol: 'http' | 'grpc',
  name: string,
  version: string,
): boolean {
  const of = (list: readonly ApiRule[]): readonly ApiRule[] =>
    list.filter((rule) => rule.protocol === protocol);
  if (of(rules.denied).some((rule) => matches(rule, name, version))) return false;
  const allowed = of(rules.allowed);
  return allowed.length === 0 || allowed.some((rule) => matches(rule, name, version));
}

/** The same for methods of the gRPC API; undefined when there are no rules. */
export function allowedMethods(
  rules: Configuration['api'] | undefined,
): ((api: { name: string; version: string }) => boolean) | undefined {
  return rules && (({ name, version }) => isLeft(rules, 'grpc', name, version));
}

/** Health is always served. A route that is left out falls through to invocation, and so to 404. */
export function allowedRoutes(
  routes: readonly HttpRoute[],
  api: Configuration['api'] | undefined,
): readonly HttpRoute[] {
  if (!api) return routes;
  return routes.filter(({ pattern }) => {
    const [path = '', block = ''] = pattern.split('/');
    const name = NAMES[block] ?? block;
    if (name === 'healthz') return true;
    // `v1.0-alpha1` in a path is `v1alpha1` in a rule.
    const version = path.replace('.0', '').replace('-', '');
    return isLeft(api, 'http', name, version);
  });
}
