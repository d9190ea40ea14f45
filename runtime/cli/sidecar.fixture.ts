/** `troupe sidecar` as a real process on free ports, and a small app beside it. */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { freePorts } from './run/ports.fixture.ts';

const COMMAND = fileURLToPath(new URL('troupe.js', import.meta.url));

export interface StartOptions {
  readonly appId?: string;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** YAML documents, a file each. */
  readonly resources?: readonly string[];
}

/** What a process says, and its end. */
export interface WatchedProcess {
  /** Everything that was written to stdout and stderr. */
  output(): string;
  /** Resolves when the output holds the text. */
  said(text: string): Promise<void>;
  readonly exited: Promise<number | null>;
}

export interface RunningSidecar extends WatchedProcess, AsyncDisposable {
  readonly base: string;
  readonly httpPort: number;
  readonly grpcPort: number;
  readonly pid: number;
  /** Where its resources are, `0.yaml` and so on. */
  readonly folder: string;
  healthy(path?: string): Promise<void>;
  /** Writes a resource in one step: the sidecar may read it at any moment. */
  put(name: string, text: string): Promise<void>;
  signal(name: NodeJS.Signals): void;
}

export function watchProcess(
  child: ChildProcessByStdio<Writable | null, Readable, Readable>,
): WatchedProcess {
  let text = '';
  const waiting = new Set<() => void>();
  const take = (chunk: string): void => {
    text += chunk;
    for (const look of waiting) look();
  };
  child.stdout.setEncoding('utf8').on('data', take);
  child.stderr.setEncoding('utf8').on('data', take);
  const exited = new Promise<number | null>((resolve) => child.once('close', resolve));
  return {
    output: () => text,
    exited,
    said(wanted) {
      return new Promise((resolve, reject) => {
        const look = (): void => {
          if (!text.includes(wanted)) return;
          waiting.delete(look);
          resolve();
        };
        waiting.add(look);
        look();
        void exited.then(() => reject(new Error(`ended without saying "${wanted}":\n${text}`)));
      });
    },
  };
}

export async function startSidecar(options: StartOptions = {}): Promise<RunningSidecar> {
  const { appId = 'shop', args = [], env = {}, resources = [] } = options;
  const [httpPort, grpcPort] = (await freePorts(2)) as [number, number];
  const folder = await mkdtemp(join(tmpdir(), 'troupe-sidecar-'));
  await Promise.all(resources.map((text, i) => writeFile(join(folder, `${i}.yaml`), text)));
  const child = spawn(
    process.execPath,
    [
      COMMAND,
      'sidecar',
      `--app-id=${appId}`,
      `--dapr-http-port=${httpPort}`,
      `--dapr-grpc-port=${grpcPort}`,
      '--dapr-listen-addresses=127.0.0.1',
      '--metrics-port=0',
      '--resources-path',
      folder,
      ...args,
    ],
    { env, cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  // A test that ran out of time may never come to its disposal.
  const orphaned = (): void => void child.kill('SIGKILL');
  process.once('exit', orphaned);
  const watched = watchProcess(child);
  const { exited, output } = watched;
  const base = `http://127.0.0.1:${httpPort}`;

  async function* attempts(): AsyncGenerator<void> {
    const until = Date.now() + 30_000;
    while (Date.now() < until && child.exitCode === null) {
      yield;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    throw new Error(`the sidecar did not become healthy:\n${output()}`);
  }

  return {
    base,
    httpPort,
    grpcPort,
    pid: child.pid!,
    folder,
    ...watched,
    signal: (name) => void child.kill(name),
    async healthy(path = '/v1.0/healthz') {
      for await (const _attempt of attempts()) {
        const { status } = await fetch(base + path).catch(() => ({ status: 0 }));
        if (status === 204) return;
      }
    },
    async put(name, resource) {
      const made = `${folder}.new`;
      await writeFile(made, resource);
      await rename(made, join(folder, name));
    },
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await exited;
      process.removeListener('exit', orphaned);
      await rm(folder, { recursive: true });
    },
  };
}

export interface AppRequestSeen {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

export interface TestApp extends AsyncDisposable {
  readonly port: number;
  readonly seen: AppRequestSeen[];
}

/** An app that answers by `handle`; what it leaves unanswered is a 404. */
export async function startApp(
  handle: (request: AppRequestSeen, response: ServerResponse) => unknown,
  port = 0,
): Promise<TestApp> {
  const seen: AppRequestSeen[] = [];
  const server = createServer((message, response) => {
    const chunks: Buffer[] = [];
    message.on('data', (chunk: Buffer) => chunks.push(chunk));
    message.on('end', () => {
      const { method = '', url = '', headers } = message;
      const request = { method, url, headers, body: Buffer.concat(chunks).toString() };
      seen.push(request);
      if (handle(request, response) === undefined && !response.writableEnded) {
        response.statusCode = 404;
        response.end();
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    seen,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** A component as YAML. */
export function componentYaml(
  name: string,
  type: string,
  metadata: Readonly<Record<string, string>> = {},
): string {
  const items = Object.entries(metadata).map(
    ([key, value]) => `\n  - name: ${key}\n    value: ${JSON.stringify(value)}`,
  );
  return `apiVersion: dapr.io/v1alpha1
kind: Component
metadata:
  name: ${name}
spec:
  type: ${type}
  version: v1
  metadata:${items.length > 0 ? items.join('') : ' []'}
`;
}
