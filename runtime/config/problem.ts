/** How problems in files read, alone and as an error. Apart from what finds them, which needs the parser of YAML. */
import { TroupeError } from '../core/errors.ts';
import type { Problem, ResourceFile } from './reader.ts';

/** `file:line:column: field: message`. */
export function formatProblem(problem: Problem): string {
  const place = `${problem.file}:${problem.line}:${problem.column}`;
  return problem.field === ''
    ? `${place}: ${problem.message}`
    : `${place}: ${problem.field}: ${problem.message}`;
}

/** By file as these are given, then by place. */
export function inOrder(
  problems: readonly Problem[],
  files: readonly ResourceFile[],
): readonly Problem[] {
  const order = files.map(({ path }) => path);
  return problems.toSorted(
    (a, b) =>
      order.indexOf(a.file) - order.indexOf(b.file) || a.line - b.line || a.column - b.column,
  );
}

/** The error that tells all of them, a line each. `where`: for example `the resource files`. */
export function refusal(problems: readonly Problem[], where: string): TroupeError {
  const count = problems.length === 1 ? '1 problem' : `${problems.length} problems`;
  return new TroupeError(
    'INVALID_ARGUMENT',
    `${count} in ${where}:\n${problems.map(formatProblem).join('\n')}`,
    { details: { problems } },
  );
}
