/**
 * Plays a session at a terminal as it is written in an `expected.txt` or a
 * README: lines with `$ ` are typed, the lines below are the answer, `^C` ends
 * the program that the session began with. Programs run on the Node that
 * `npx node` gives a user, and on free ports instead of the printed ones.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { delimiter, join } from 'node:path';
import packageJson from '../package.json' with { type: 'json' };

export const ROOT = join(import.meta.dirname, '..');

export interface Step {
  readonly command: string;
  readonly output: string;
}

export interface Transcript {
  readonly steps: readonly Step[];
  /** True when the first command is a server that Ctrl-C ends. */
  readonly interrupted: boolean;
}

export interface PlayOptions {
  /** Where the commands are typed; paths that begin with `examples/` still mean the repository's. */
  readonly cwd: string;
  /** Added to the server's command, so that it takes free ports. */
  readonly freePorts?: string;
}

export function parseTranscript(text: string): Transcript {
  const steps: { command: string; output: string }[] = [];
  let interrupted = false;
  for (const line of text.replace(/\n$/, '').split('\n')) {
    const last = steps.at(-1);
    if (line.startsWith('$ ')) steps.push({ command: line.slice(2), output: '' });
    else if (line === '^C') interrupted = true;
    else if (last) last.output += `${line}\n`;
    else throw new Error(`a transcript begins with a command, not with: ${line}`);
  }
  return { steps, interrupted };
}

function environment(): NodeJS.ProcessEnv {
  const bin = join(ROOT, 'node_modules', '.bin');
  const { NODE_OPTIONS: _, VITEST: __, ...env } = process.env;
  return { ...env, PATH: `${bin}${delimiter}${env['PATH']}`, NO_COLOR: '1' };
}

/** `npx` runs the Node of node_modules/.bin, which stands first in PATH here, and the package's own command. */
function typed(command: string): string {
  return command
    .replace(/^npx troupe /, `node ${join(ROOT, packageJson.bin.troupe)} `)
    .replace(/^npx /, '')
    .replaceAll(' examples/', ` ${ROOT}/examples/`);
}

function type(command: string, cwd: string): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile('sh', ['-c', typed(command)], { cwd, env: environment() }, (error, stdout, stderr) => {
      if (error && error.signal !== 'SIGKILL' && error.code !== 137) {
        reject(
          new Error(`${command}\nended with ${error.code ?? error.signal}:\n${stdout}${stderr}`),
        );
      } else resolve(stdout.replace(/(?<=[^\n])$/, '\n'));
    });
  });
}

const ADDRESS = /127\.0\.0\.1:(\d+)/g;

function portsIn(text: string): string[] {
  return Array.from(text.matchAll(ADDRESS), ([, port]) => port as string);
}

function exchange(text: string, from: readonly string[], to: readonly string[]): string {
  return text.replace(ADDRESS, (address, port: string) => {
    const other = to[from.indexOf(port)];
    return other === undefined ? address : `127.0.0.1:${other}`;
  });
}

interface Server {
  readonly child: ChildProcess;
  readonly greeting: string;
  readonly ended: Promise<number | null>;
}

/** Starts a server and waits until it has printed as many lines as expected. */
async function startServer(command: string, lines: number, cwd: string): Promise<Server> {
  const child = spawn('sh', ['-c', `exec ${typed(command)}`], { cwd, env: environment() });
  let greeting = '';
  let complaint = '';
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  child.stderr.on('data', (chunk: Buffer) => (complaint += chunk.toString()));
  await new Promise<void>((resolve, reject) => {
    child.stdout.on('data', (chunk: Buffer) => {
      greeting += chunk.toString();
      if (greeting.split('\n').length > lines) resolve();
    });
    void ended.then((code) =>
      reject(new Error(`${command}\nended with ${code}:\n${greeting}${complaint}`)),
    );
  });
  return { child, greeting, ended };
}

export interface Played {
  /** What came out, written as the transcript is. */
  readonly text: string;
  /** Exit code of the server after Ctrl-C. */
  readonly exitCode?: number | null;
}

export async function playTranscript(
  { steps, interrupted }: Transcript,
  { cwd, freePorts = '' }: PlayOptions,
): Promise<Played> {
  const played: string[] = [];
  const [first, ...rest] = steps;
  if (!first) throw new Error('the transcript has no command');
  if (!interrupted) {
    for (const { command } of steps) played.push(`$ ${command}\n${await type(command, cwd)}`);
    return { text: played.join('') };
  }

  const lines = first.output.split('\n').length - 1;
  const server = await startServer(`${first.command} ${freePorts}`, lines, cwd);
  const written = portsIn(first.output);
  const real = portsIn(server.greeting);
  try {
    played.push(`$ ${first.command}\n${exchange(server.greeting, real, written)}`);
    for (const { command } of rest) {
      const output = await type(exchange(command, written, real), cwd);
      played.push(`$ ${command}\n${exchange(output, real, written)}`);
    }
  } catch (error) {
    server.child.kill('SIGKILL');
    throw error;
  }
  server.child.kill('SIGINT');
  const exitCode = await server.ended;
  return { text: `${played.join('')}^C\n`, exitCode };
}
