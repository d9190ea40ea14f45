/**
 * `middleware.http.routeralias`: other paths for paths. Parts of a path in
 * braces (`/orders/{id}`, `/orders/{id:[0-9]+}`) go on as query parameters.
 */
import { parse } from 'yaml';
import type { ComponentOptions, Driver, MetadataField } from '../../component.ts';
import { readMetadata } from '../../metadata.ts';
import type { Middleware, MiddlewareRequest } from '../contract.ts';
import { createStep } from '../step.ts';

const fields: readonly MetadataField[] = [
  {
    name: 'routes',
    description:
      'JSON or YAML, a mapping from each path that is asked for to the one that answers: `{"/orders/{id}": "/v1.0/invoke/shop/method/order"}`. Absent: paths stay.',
  },
];

interface Alias {
  readonly pattern: RegExp;
  readonly names: readonly string[];
  readonly target: string;
}

const ESCAPED = /[.*+?^${}()|[\]\\]/g;

/** Throws SyntaxError for a part whose expression is none. */
function compile(path: string, target: string): Alias {
  const names: string[] = [];
  const parts = path.split(/(\{[^{}]+(?:\{[^{}]*\}[^{}]*)*\})/);
  const source = parts.map((part, index) => {
    if (index % 2 === 0) return part.replaceAll(ESCAPED, String.raw`\$&`);
    const [, name = '', expression = '[^/]+'] = /^\{([^:]+)(?::(.*))?\}$/.exec(part) ?? [];
    names.push(name.trim());
    return `(${expression.replaceAll(/\((?!\?)/g, '(?:')})`;
  });
  return { pattern: new RegExp(`^${source.join('')}$`), names, target };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function applied(alias: Alias, request: MiddlewareRequest): MiddlewareRequest | undefined {
  const match = alias.pattern.exec(decoded(request.path));
  if (!match) return undefined;
  const query = new URLSearchParams(request.query);
  alias.names.forEach((name, index) => query.append(name, match[index + 1] ?? ''));
  if (alias.names.length > 0) query.sort();
  return {
    ...request,
    path: encodeURI(alias.target),
    query: alias.names.length > 0 ? query.toString() : request.query,
  };
}

function create(options: ComponentOptions): Middleware {
  const metadata = readMetadata(options, fields);
  const text = metadata.text('routes');
  let routes: unknown = {};
  try {
    routes = text === undefined ? {} : parse(text.replaceAll('\t', ' '));
  } catch {
    throw metadata.refuse('routes', 'is neither JSON nor YAML');
  }
  if (typeof routes !== 'object' || routes === null || Array.isArray(routes))
    throw metadata.refuse('routes', 'must be a mapping from paths to paths');
  const aliases = Object.entries(routes).map(([path, target]) => {
    if (typeof target !== 'string' || !target.startsWith('/') || !path.startsWith('/'))
      throw metadata.refuse('routes', 'must map paths to paths, which begin with a slash');
    try {
      return compile(path, target);
    } catch {
      throw metadata.refuse('routes', `has a path with an expression that is none: ${path}`);
    }
  });
  return createStep(options, (request, next) => {
    for (const alias of aliases) {
      const changed = applied(alias, request);
      if (changed) return next(changed);
    }
    return next(request);
  });
}

export const driver: Driver<Middleware> = { fields, create: async (options) => create(options) };
