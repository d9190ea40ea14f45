/** Refs: objects whose every method is a call. They need no class, only a name and an id. */
import { TroupeError } from './errors.ts';

/** Names that look like methods to a runtime or a debugger but are not an actor's. */
const NOT_METHODS = new Set<PropertyKey>([
  'then',
  'catch',
  'finally',
  'toJSON',
  'constructor',
  'inspect',
  'asymmetricMatch',
  'nodeType',
  '$$typeof',
]);

export type Send = (method: string, argument: unknown, options: unknown) => unknown;

/** A ref that hands each call to `send`; method functions are made once. */
export function createRef<T extends object>(send: Send): T {
  return new Proxy(Object.create(null) as Record<PropertyKey, unknown>, {
    get(methods, property) {
      const known = methods[property];
      if (known !== undefined) return known;
      if (typeof property === 'symbol' || NOT_METHODS.has(property)) return undefined;
      const method = (argument?: unknown, options?: unknown): unknown =>
        send(property, argument, options);
      methods[property] = method;
      return method;
    },
    set(_methods, property) {
      throw new TroupeError(
        'INVALID_ARGUMENT',
        `a ref has methods only; ${String(property)} cannot be set`,
      );
    },
  }) as T;
}

/**
 * Actor types and ids: not empty, and such that the parts of a state key, which
 * `||` separates, can be told apart again: no `||` inside, no `|` at an end.
 */
export function assertName(what: string, name: string): void {
  if (typeof name !== 'string' || name === '') {
    throw new TroupeError('INVALID_ARGUMENT', `${what} must be a text that is not empty`);
  }
  if (name.includes('||') || name.startsWith('|') || name.endsWith('|')) {
    throw new TroupeError(
      'INVALID_ARGUMENT',
      `${what} "${name}" must not contain "||", which separates the parts of state keys, nor begin or end with "|"`,
    );
  }
}
