/** Values of flags: what is malformed is refused with the flag's name before anything starts. */
import { isIP } from 'node:net';
import { InvalidArgumentError } from 'commander';
import { LOG_LEVELS } from '../hosts/logger.ts';
import type { LogLevel } from '../hosts/logger.ts';
import { suggestion } from '../config/nearest.ts';

export function port(text: string): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value <= 65_535) return value;
  throw new InvalidArgumentError('Give a whole number from 0 to 65535; 0 takes a free port.');
}

export function appPort(text: string): number {
  const value = port(text);
  if (value > 0) return value;
  throw new InvalidArgumentError('Give the port that the app listens on, from 1 to 65535.');
}

export function appId(text: string): string {
  if (text !== '' && !/[\s./|]/.test(text)) return text;
  throw new InvalidArgumentError('An app id is not empty and has no space, dot, slash or bar.');
}

export function logLevel(text: string): LogLevel {
  const level = LOG_LEVELS.find((known) => known === text);
  if (level) return level;
  throw new InvalidArgumentError(`No such level${suggestion(text, LOG_LEVELS)}`);
}

export function seconds(text: string): number {
  const value = Number(text);
  if (/^\d+$/.test(text)) return value;
  throw new InvalidArgumentError('Give a whole number of seconds.');
}

export function searchSeconds(text: string): number {
  const value = Number(text);
  if (/^\d+(?:\.\d+)?$/.test(text) && value > 0) return value;
  throw new InvalidArgumentError('Give seconds above 0.');
}

export function count(text: string): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value > 0 && Number.isSafeInteger(value)) return value;
  throw new InvalidArgumentError('Give a whole number from 1.');
}

export function seed(text: string): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value <= 0xffff_ffff) return value;
  throw new InvalidArgumentError('Give a whole number from 0 to 4294967295.');
}

/** For flags that may be given several times. */
export function collect(text: string, before: readonly string[] = []): readonly string[] {
  return [...before, text];
}

/** One address; Dapr takes several, separated by commas. */
export function address(text: string): string {
  if (text.includes(',')) throw new InvalidArgumentError('Only one address is supported yet.');
  if (isIP(text) !== 0 || text === 'localhost') return text;
  throw new InvalidArgumentError(
    'Give an IP address such as 127.0.0.1, or 0.0.0.0 for every network.',
  );
}
