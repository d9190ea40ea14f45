/**
 * Where Node keeps what it compiled of this program between starts: a folder of
 * the user's own, since whoever can write there decides what runs. Plain
 * JavaScript, because it is read before anything can be compiled.
 */
import { homedir } from 'node:os';
import { join } from 'node:path';

/** Undefined for a user without a home. A folder that cannot be written is no failure: nothing is kept. */
export function cacheFolder() {
  const { XDG_CACHE_HOME } = process.env;
  if (XDG_CACHE_HOME) return join(XDG_CACHE_HOME, 'troupe');
  try {
    return join(homedir(), '.cache', 'troupe');
  } catch {
    return undefined;
  }
}
