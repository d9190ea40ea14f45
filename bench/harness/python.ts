/** A Python with pinned packages, for the peers and clients that are written in it. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { access, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/**
 * The interpreter of a virtual environment with these requirements, made once
 * for each content of the file. Rejects with pip's words when it cannot be made.
 */
export async function pythonWith(requirements: string): Promise<string> {
  const content = await readFile(requirements);
  const version = createHash('sha256').update(content).digest('hex').slice(0, 12);
  const folder = join(tmpdir(), `troupe-python-${version}`);
  const interpreter = join(folder, 'bin', 'python');
  const whole = join(folder, 'bin', 'pip');
  try {
    await access(whole);
    await run(interpreter, ['-m', 'pip', 'install', '--quiet', '-r', requirements]);
  } catch {
    await rm(folder, { recursive: true, force: true });
    await run('python3', ['-m', 'venv', folder]);
    await run(interpreter, ['-m', 'pip', 'install', '--quiet', '-r', requirements]);
  }
  return interpreter;
}
