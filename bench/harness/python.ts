/** A Python with pinned packages, for the peers and clients that are written in it. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/**
 * The interpreter of a virtual environment with these requirements, in the
 * user's cache folder; made once for each content of the file, which may take
 * a minute. Rejects with the words of pip when it cannot be made.
 */
export async function pythonWith(requirements: string): Promise<string> {
  const content = await readFile(requirements);
  const version = createHash('sha256').update(content).digest('hex').slice(0, 12);
  const cache = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache');
  const folder = join(cache, 'troupe', `python-${version}`);
  const interpreter = join(folder, 'bin', 'python');
  const complete = join(folder, 'complete');
  if (existsSync(complete)) return interpreter;
  await rm(folder, { recursive: true, force: true });
  await run('python3', ['-m', 'venv', folder]);
  await run(interpreter, ['-m', 'pip', 'install', '--quiet', '-r', requirements]);
  await writeFile(complete, '');
  return interpreter;
}
