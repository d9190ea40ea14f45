/** Debian packages that some tests run beside Node. CI installs them; elsewhere what needs one that is absent is skipped by name. */
import { spawnSync } from 'node:child_process';

/** Why a test is skipped; undefined when the program is there, or has to be. */
export function absence(program: string): string | undefined {
  if (process.env['CI'] !== undefined || spawnSync(program, ['-version']).error === undefined) {
    return undefined;
  }
  return `${program} is not installed; on Debian and Ubuntu: apt-get install ${program}`;
}
