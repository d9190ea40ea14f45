/** `npm run servers`: installs from Debian packages what the server tests need and is missing. */
import { spawnSync } from 'node:child_process';
import { findProgram } from './process.ts';

const PACKAGES = [
  { name: 'redis-server', program: 'redis-server', folders: [] },
  { name: 'postgresql', program: 'initdb', folders: ['/usr/lib/postgresql/*/bin'] },
];

const missing = PACKAGES.filter(({ program, folders }) => {
  try {
    findProgram(program, folders);
    return false;
  } catch {
    return true;
  }
}).map(({ name }) => name);

function root(...command: string[]): void {
  const line = process.getuid?.() === 0 ? command : ['sudo', ...command];
  process.stdout.write(`${line.join(' ')}\n`);
  const { status, error } = spawnSync(line[0]!, line.slice(1), {
    stdio: 'inherit',
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  });
  if (error || status !== 0) {
    process.stderr.write(
      `npm run servers: this needs a Debian system and root; install by hand: ${missing.join(', ')}\n`,
    );
    process.exit(1);
  }
}

if (missing.length === 0) {
  process.stdout.write('every server is installed\n');
} else {
  root('apt-get', 'update', '-qq');
  root('apt-get', 'install', '-y', '-qq', '--no-install-recommends', ...missing);
}
