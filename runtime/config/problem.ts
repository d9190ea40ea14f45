/** How a problem in a resource file reads. Apart from what finds it, which needs the parser of YAML. */
import type { Problem } from './reader.ts';

/** `file:line:column: field: message`. */
export function formatProblem(problem: Problem): string {
  const place = `${problem.file}:${problem.line}:${problem.column}`;
  return problem.field === ''
    ? `${place}: ${problem.message}`
    : `${place}: ${problem.field}: ${problem.message}`;
}
