/** The load generator in harness/load: compiled, over HTTP and gRPC, at a rate or as fast as it is answered. */
import { execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { MissingTool } from './wrk.ts';

const run = promisify(execFile);
const SOURCES = join(import.meta.dirname, 'load');
const GO = ['go', '/usr/local/go/bin/go'];

/** Compiles it on the first use of its sources. Rejects with MissingTool where Go is not installed. */
export async function requireLoad(): Promise<string> {
  const files = (await readdir(SOURCES)).toSorted();
  const hash = createHash('sha256');
  for (const file of files) hash.update(await readFile(join(SOURCES, file)));
  const program = join(tmpdir(), `troupe-load-${hash.digest('hex').slice(0, 12)}`);
  if (existsSync(program)) return program;
  for (const go of GO) {
    try {
      await run(go, ['build', '-o', program, '.'], { cwd: SOURCES });
      return program;
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw cause;
    }
  }
  throw new MissingTool('the load generator is compiled with Go, and go is not installed');
}

export interface Load {
  readonly requests: number;
  readonly seconds: number;
  /** Microseconds, from the intended start where a rate is given. */
  readonly p50: number;
  readonly p99: number;
}

export interface Offered {
  readonly seconds: number;
  /** Requests a second. Absent: as many as are answered. */
  readonly rate?: number;
}

export interface HttpRequest {
  readonly verb: string;
  /** `{i}` in path and body counts from 0 to 999. */
  readonly path: string;
  readonly body?: string;
  readonly status?: number;
}

export interface GrpcRequest {
  /** `/package.Service/Method`. */
  readonly method: string;
  readonly messages: readonly Uint8Array[];
  readonly metadata?: Readonly<Record<string, string>>;
}

async function loaded(args: readonly string[], { seconds, rate }: Offered): Promise<Load> {
  const program = await requireLoad();
  const paced = rate === undefined ? [] : ['-rate', String(Math.floor(rate))];
  const { stdout } = await run(program, [...args, ...paced, '-length', `${seconds}s`]);
  const { failed, first, ...load } = JSON.parse(stdout) as Load & {
    failed: number;
    first?: string;
  };
  if (failed > 0) throw new Error(`${failed} requests failed, ${load.requests} did not: ${first}`);
  return load;
}

/** 32 connections, a request at a time on each. Throws when any request failed. */
export function loadHttp(port: number, request: HttpRequest, offered: Offered): Promise<Load> {
  const { verb, path, body = '', status = 200 } = request;
  const flags = ['-address', `127.0.0.1:${port}`, '-verb', verb, '-path', path];
  return loaded(['http', ...flags, '-body', body, '-status', String(status)], offered);
}

/** 4 connections with 8 calls at a time on each. Throws when any call failed. */
export async function loadGrpc(
  port: number,
  { method, messages, metadata = {} }: GrpcRequest,
  offered: Offered,
): Promise<Load> {
  const file = join(await mkdtemp(join(tmpdir(), 'troupe-load-')), 'messages');
  const lines = messages.map((message) => Buffer.from(message).toString('base64'));
  await writeFile(file, lines.join('\n'));
  const pairs = Object.entries(metadata).map(([key, value]) => `${key}:${value}`);
  const flags = ['-address', `127.0.0.1:${port}`, '-method', method, '-messages', file];
  return loaded(['grpc', ...flags, '-metadata', pairs.join(',')], offered);
}

export interface LoadApp extends AsyncDisposable {
  readonly httpPort: number;
  readonly grpcPort: number;
  readonly pid: number;
  /** Events of the topic that it has got. */
  events(): Promise<number>;
}

/** The app of `load app`: hosts the actor type Bare, takes the topic news, echoes the rest. */
export async function startLoadApp(): Promise<LoadApp> {
  const child = spawn(await requireLoad(), ['app'], { stdio: ['ignore', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout });
  const line = await new Promise<string>((resolve, reject) => {
    lines.once('line', resolve);
    child.once('exit', () => reject(new Error('the app of the load ended at once; see above')));
  });
  const ports = JSON.parse(line) as { http: number; grpc: number };
  return {
    httpPort: ports.http,
    grpcPort: ports.grpc,
    pid: child.pid!,
    async events() {
      const answer = await fetch(`http://127.0.0.1:${ports.http}/events`);
      return Number(await answer.text());
    },
    async [Symbol.asyncDispose]() {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill();
      await ended;
    },
  };
}
