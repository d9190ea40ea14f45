/** A text file read line by line; whatever is wrong is named by file and line. */
import { InputError } from './input-error.ts';

export interface Line {
  readonly number: number;
  readonly text: string;
  readonly words: readonly string[];
}

export interface Source {
  readonly name: string;
  readonly lines: readonly Line[];
  fail(line: Line | undefined, what: string): never;
  /** The number in that column, from 0; `what` names it in the error. */
  number(line: Line, column: number, what: string): number;
  /** As `number`, a whole one from `least`. */
  whole(line: Line, column: number, what: string, least?: number): number;
}

/** Lines without anything on them are left out. */
export function openSource(name: string, text: string): Source {
  const all = text.split(/\r\n|\r|\n/);
  const lines = all
    .map((line, at) => ({ number: at + 1, text: line.trim(), words: line.trim().split(/\s+/) }))
    .filter((line) => line.text !== '');
  const fail = (line: Line | undefined, what: string): never => {
    const at = line ? line.number : Math.max(1, all.at(-1) === '' ? all.length - 1 : all.length);
    throw new InputError(`${name}:${at}: ${what}`);
  };
  const number = (line: Line, column: number, what: string): number => {
    const word = line.words[column];
    if (word === undefined) return fail(line, `${what} is missing`);
    const value = Number(word);
    if (!Number.isFinite(value)) return fail(line, `${what} is "${word}", not a number`);
    return value;
  };
  return {
    name,
    lines,
    fail,
    number,
    whole(line, column, what, least = 0) {
      const value = number(line, column, what);
      if (Number.isInteger(value) && value >= least) return value;
      return fail(line, `${what} is ${line.words[column]}, not a whole number from ${least}`);
    },
  };
}
