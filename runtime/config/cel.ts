/**
 * Expressions in Google's Common Expression Language, as routing rules and
 * circuit breakers have them. The library is loaded when the first one is
 * compiled, so that a host without expressions does not wait for it.
 */
import { createRequire } from 'node:module';
import type * as Cel from '@marcbachmann/cel-js';
import { TroupeError } from '../core/errors.ts';

/** Evaluates with variables by name. Throws what CEL calls an error, for example a missing field. */
export type Expression = (variables: Readonly<Record<string, unknown>>) => unknown;

const load = createRequire(import.meta.url);

function parse(text: string): Expression {
  const { parse: compile } = load('@marcbachmann/cel-js') as typeof Cel;
  return compile(text) as unknown as Expression;
}

const firstLine = (error: unknown): string => (error as Error).message.split('\n')[0]!;

/** What is wrong with the text of an expression; undefined when nothing is. */
export function celProblem(text: string): string | undefined {
  try {
    parse(text);
    return undefined;
  } catch (error) {
    return firstLine(error);
  }
}

/** Throws INVALID_ARGUMENT for a text that is no expression. */
export function compileCel(text: string): Expression {
  let expression: Expression;
  try {
    expression = parse(text);
  } catch (cause) {
    throw new TroupeError(
      'INVALID_ARGUMENT',
      `"${text}" is not a CEL expression: ${firstLine(cause)}`,
      { cause },
    );
  }
  return (variables) => {
    try {
      return expression(variables);
    } catch (cause) {
      throw new TroupeError(
        'INVALID_ARGUMENT',
        `CEL expression "${text}" failed: ${firstLine(cause)}`,
        { cause },
      );
    }
  };
}
