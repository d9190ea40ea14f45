/** From a file of any known format to an instance. */
import type { PlanRoute } from '../../protocol.ts';
import { isCvrplib, readCvrplib } from './cvrplib.ts';
import type { Instance } from './instance.ts';
import { isJson, readJson } from './json.ts';
import { isSolomon, readSolomon } from './solomon.ts';
import { openSource } from './source.ts';

/** Throws `InputError` with file and line for whatever is broken. */
export function readInstance(
  name: string,
  text: string,
): { instance: Instance; plan?: PlanRoute[] } {
  const source = openSource(name, text);
  if (isJson(source)) return readJson(name, text);
  if (isCvrplib(source)) return { instance: readCvrplib(source) };
  if (isSolomon(source)) return { instance: readSolomon(source) };
  return source.fail(
    source.lines[0],
    'is neither CVRPLIB (.vrp), Solomon (.txt) nor JSON; see docs/reference/routing.md',
  );
}
