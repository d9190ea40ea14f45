/** `troupe run` as a real process in a folder of its own, and what of it is still alive. */
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { watchProcess, type WatchedProcess } from '../sidecar.fixture.ts';

const COMMAND = fileURLToPath(new URL('../troupe.js', import.meta.url));
const MARK = 'TROUPE_TEST_MARK';

export interface RunningCommand extends WatchedProcess, AsyncDisposable {
  readonly pid: number;
  readonly folder: string;
  signal(name: NodeJS.Signals): void;
  /** Resolves when no process that came of it is left. */
  gone(): Promise<void>;
}

export interface CommandOptions {
  /** Made in its folder. */
  readonly folders?: readonly string[];
  /** Written into its folder, by name. */
  readonly files?: Readonly<Record<string, string>>;
  readonly env?: Readonly<Record<string, string>>;
  /** Runs before the start. */
  prepare?(folder: string): Promise<void>;
  /** What it reads. Default: nothing. */
  readonly input?: string;
}

/** Processes whose environment has the mark, as `pid name`. One that ended and waits to be reaped has none. */
async function marked(mark: string): Promise<string[]> {
  const found = await Promise.all(
    (await readdir('/proc'))
      .filter((name) => /^\d+$/.test(name))
      .map(async (pid) => {
        const environment = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '');
        if (!environment.includes(mark)) return undefined;
        const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
        return `${pid} ${command.replaceAll('\0', ' ')}`;
      }),
  );
  return found.filter((one) => one !== undefined);
}

/** Starts `troupe` with these arguments. */
export async function startCommand(
  args: readonly string[],
  { folders = [], files = {}, env = {}, input = '', prepare }: CommandOptions = {},
): Promise<RunningCommand> {
  const folder = await mkdtemp(join(tmpdir(), 'troupe-run-'));
  for (const name of folders) await mkdir(join(folder, name), { recursive: true });
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  await prepare?.(folder);
  const mark = randomUUID();
  const { PATH, NODE_COMPILE_CACHE } = process.env;
  const child = spawn(process.execPath, [COMMAND, ...args], {
    cwd: folder,
    env: { PATH, NODE_COMPILE_CACHE, HOME: folder, ...env, [MARK]: mark },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  child.stdin.end(input);
  const watched = watchProcess(child);
  const orphaned = (): void => void child.kill('SIGTERM');
  process.once('exit', orphaned);
  return {
    ...watched,
    pid: child.pid!,
    folder,
    signal: (name) => void child.kill(name),
    async gone() {
      const until = Date.now() + 30_000;
      for (;;) {
        const left = await marked(mark);
        if (left.length === 0) return;
        if (Date.now() > until)
          throw new Error(`still there:\n${left.join('\n')}\n${watched.output()}`);
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    },
    async [Symbol.asyncDispose]() {
      for (const one of await marked(mark)) {
        try {
          process.kill(Number(one.split(' ')[0]), 'SIGKILL');
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
        }
      }
      await watched.exited;
      process.removeListener('exit', orphaned);
      await rm(folder, { recursive: true });
    },
  };
}

/** Runs `troupe` to its end. */
export async function troupe(
  args: readonly string[],
  options: CommandOptions = {},
): Promise<{ readonly code: number | null; readonly output: string }> {
  await using command = await startCommand(args, options);
  const code = await command.exited;
  return { code, output: command.output() };
}

/** A small app: answers HTTP with what it was asked, prints its environment, ends in order. */
export const APP = `
import { createServer } from 'node:http';
const { env } = process;
const server = createServer((request, response) => {
  let body = '';
  request.on('data', (chunk) => (body += chunk));
  request.on('end', () => {
    const text = \`\${request.method} \${request.url} \${body}\`;
    if (request.url === '/dapr/config') return response.writeHead(404).end();
    if (request.url === '/dapr/subscribe') {
      response.setHeader('content-type', 'application/json');
      return response.end(JSON.stringify([{ pubsubname: 'pubsub', topic: 'news', route: '/news' }]));
    }
    console.log(text);
    response.end(text);
  });
});
server.listen(Number(env.APP_PORT), '127.0.0.1');
for (const name of ['APP_ID', 'APP_PORT', 'APP_PROTOCOL', 'APP_CHANNEL_ADDRESS', 'DAPR_HTTP_PORT', 'DAPR_GRPC_PORT', 'DAPR_METRICS_PORT', 'TROUPE_RUNTIME']) {
  console.log(name + '=' + env[name]);
}
process.on('SIGTERM', () => { console.log('asked to end'); process.exit(0); });
`;
