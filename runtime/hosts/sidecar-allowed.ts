/** Which HTTP routes a Configuration leaves: `spec.api.allowed` and `spec.api.denied`, as Dapr reads them. */
import type { HttpRoute } from '../api/route.ts';
import type { ApiRule, Configuration } from '../config/configuration.ts';

/** Second segments of paths that belong to the API of another name. */
const NAMES: Readonly<Record<string, string>> = { workflow: 'workflows' };

const matches = (rule: ApiRule, name: string, version: string): boolean =>
  rule.protocol === 'http' && rule.name === name && rule.version === version;

/** Health is always served. A route that is left out falls through to invocation, and so to 404. */
export function allowedRoutes(
  routes: readonly HttpRoute[],
  api: Configuration['api'] | undefined,
): readonly HttpRoute[] {
  if (!api) return routes;
  const allowed = api.allowed.filter(({ protocol }) => protocol === 'http');
  return routes.filter(({ pattern }) => {
    const [path = '', block = ''] = pattern.split('/');
    const name = NAMES[block] ?? block;
    if (name === 'healthz') return true;
    // `v1.0-alpha1` in a path is `v1alpha1` in a rule.
    const version = path.replace('.0', '').replace('-', '');
    if (api.denied.some((rule) => matches(rule, name, version))) return false;
    return allowed.length === 0 || allowed.some((rule) => matches(rule, name, version));
  });
}
