/**
 * `npm run servers`: installs what the server tests need and is missing. Redis,
 * PostgreSQL, etcd and Java are Debian packages; Kafka's jars come from Maven
 * Central and the official daprd, placement and scheduler are built from their
 * Go module, both into `.troupe/servers`.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { findProgram, INSTALLED } from './process.ts';

const PACKAGES = [
  { name: 'redis-server', program: 'redis-server', folders: [] },
  { name: 'postgresql', program: 'initdb', folders: ['/usr/lib/postgresql/*/bin'] },
  { name: 'etcd-server', program: 'etcd', folders: [] },
  { name: 'default-jdk-headless', program: 'javac', folders: [] },
  { name: 'maven', program: 'mvn', folders: [] },
];
/** The build tags of a daprd with the components that the tests name. */
const TAGS =
  'stablecomponents,crypto_localstorage,conversation_echo,state_etcd,middleware_http_routeralias';
const DAPR = ['daprd', 'placement', 'scheduler'];

function run(command: readonly string[], cwd = import.meta.dirname): void {
  process.stdout.write(`${command.join(' ')}\n`);
  const { status, error } = spawnSync(command[0]!, command.slice(1), {
    cwd,
    stdio: 'inherit',
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  });
  if (!error && status === 0) return;
  const why = error ? error.message : `exit code ${status}`;
  process.stderr.write(`npm run servers: ${command.join(' ')} failed: ${why}\n`);
  process.exit(1);
}

function asRoot(...command: string[]): void {
  run(process.getuid?.() === 0 ? command : ['sudo', ...command]);
}

function isInstalled(program: string, folders: readonly string[]): boolean {
  try {
    findProgram(program, folders);
    return true;
  } catch {
    return false;
  }
}

const missing = PACKAGES.filter(({ program, folders }) => !isInstalled(program, folders));
if (missing.length > 0) {
  asRoot('apt-get', 'update', '-qq');
  const names = missing.map(({ name }) => name);
  asRoot('apt-get', 'install', '-y', '-qq', '--no-install-recommends', ...names);
}

const jars = join(INSTALLED, 'kafka');
if (!existsSync(jars)) {
  const pom = join(import.meta.dirname, 'kafka/pom.xml');
  const copy = ['dependency:copy-dependencies', `-DoutputDirectory=${jars}`];
  run(['mvn', '-q', '-B', '-f', pom, ...copy, '-DincludeScope=runtime']);
}

const programs = join(INSTALLED, 'bin');
mkdirSync(programs, { recursive: true });
for (const name of DAPR) {
  const path = join(programs, name);
  if (existsSync(path)) continue;
  if (!isInstalled('go', ['/usr/local/go/bin'])) {
    process.stderr.write(`npm run servers: ${name} is built with Go, and go is not installed\n`);
    process.exit(1);
  }
  const module = `github.com/dapr/dapr/cmd/${name}`;
  run(['go', 'build', '-tags', TAGS, '-o', path, module], join(import.meta.dirname, 'dapr'));
}
process.stdout.write('every server is installed\n');
