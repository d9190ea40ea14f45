/** Which path of the app an event goes to: rules in CEL over the event, the first that holds. */
import type { CloudEvent } from '../actor/actor.ts';
import { compileCel } from '../config/cel.ts';

/** Without `match` the rule takes every event. */
export interface RouteRule {
  /** CEL over `event`. */
  readonly match?: string;
  readonly path: string;
}

/** The path; undefined when no rule takes the event. Throws what evaluating throws. */
export type FindRoute = (event: CloudEvent) => string | undefined;

/** Throws INVALID_ARGUMENT for a rule that is no CEL expression. */
export function compileRoutes(rules: readonly RouteRule[]): FindRoute {
  const compiled = rules.map(({ match, path }) => ({
    path,
    holds: match ? compileCel(match) : undefined,
  }));
  return (event) => {
    for (const { path, holds } of compiled) {
      if (!holds || holds({ event }) === true) return path;
    }
    return undefined;
  };
}
