/**
 * A store and its centre as processes, with a network between them that a test
 * cuts: footage, the edge process of the example, the centre on SQLite.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { HeatMap, Settings, StoreView } from '../../actors/store/api.ts';
import { writeTape } from '../../examples/04-edge-store/tape.ts';
import { loadCheckpoint } from '../../workers/edge/checkpoint.ts';

const ROOT = join(import.meta.dirname, '../..');
const EDGE = join(ROOT, 'examples/04-edge-store/edge.ts');
const CENTRE = join(import.meta.dirname, 'edge-centre.fixture.ts');
const SETTINGS = {
  lines: [
    { name: 'entry', from: [1, 0.75], to: [0, 0.75] },
    { name: 'exit', from: [0.75, 0], to: [0.75, 1] },
  ],
  zones: [{ name: 'table', box: [0.4, 0.6, 0.3, 0.4] }],
  waiting: 10,
};

/** A way from the edge to the centre that can be cut, and can swallow one answer. */
export interface Network extends AsyncDisposable {
  readonly url: string;
  to(port: number): void;
  cut(): void;
  mend(): void;
  /** The next answer does not arrive, although what it answers was done. */
  swallowAnswer(): Promise<void>;
}

async function openNetwork(): Promise<Network> {
  let port = 0;
  let isCut = false;
  let swallow: (() => void) | undefined;
  const sockets = new Set<Socket>();
  const server = createServer((near) => {
    if (isCut) {
      near.destroy();
      return;
    }
    const far = connect(port, '127.0.0.1');
    const end = (): void => {
      near.destroy();
      far.destroy();
    };
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on('error', end).on('close', () => {
        end();
        sockets.delete(socket);
      });
    }
    near.on('data', (data) => far.write(data));
    far.on('data', (data) => {
      if (!swallow) {
        near.write(data);
        return;
      }
      swallow();
      swallow = undefined;
      end();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const cut = (): void => {
    isCut = true;
    for (const socket of sockets) socket.destroy();
  };
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    to: (next) => void (port = next),
    cut,
    mend: () => void (isCut = false),
    swallowAnswer: () => new Promise((resolve) => (swallow = resolve)),
    async [Symbol.asyncDispose]() {
      cut();
      server.close();
      await once(server, 'close');
    },
  };
}

export interface EdgeLife {
  readonly child: ChildProcess;
  /** The exit code, or the signal that ended it. */
  readonly ended: Promise<number | NodeJS.Signals>;
  err: string;
  out: string;
}

export interface Centre {
  readonly port: number;
  readonly child: ChildProcess;
  kill(signal: NodeJS.Signals): Promise<void>;
  view(store: string): Promise<StoreView>;
  heat(store: string): Promise<HeatMap>;
  configure(store: string, camera: string, settings: Settings): Promise<{ version: number }>;
}

export interface Street extends AsyncDisposable {
  at(...path: string[]): string;
  readonly network: Network;
  /** Footage of so many times 75 seconds with three visitors each. */
  film(times: number): Promise<string>;
  centre(): Promise<Centre>;
  edge(store: string, footage: string, ...flags: string[]): EdgeLife;
  /** Resolves once the edge has a checkpoint at so many frames or later; throws when it ends before. */
  reached(life: EdgeLife, store: string, frames: number): Promise<void>;
}

export async function openStreet(): Promise<Street> {
  const folder = await mkdtemp(join(tmpdir(), 'troupe-street-'));
  const at = (...path: string[]): string => join(folder, ...path);
  const network = await openNetwork();
  const children: { child: ChildProcess; ended: Promise<unknown> }[] = [];
  await writeFile(at('settings.json'), JSON.stringify(SETTINGS));

  return {
    at,
    network,
    async film(times) {
      await writeTape(at('once.y4m'));
      const path = at('footage.mkv');
      const encode = ['-c:v', 'libx264', '-preset', 'ultrafast', '-crf', '16', '-threads', '1'];
      const loop = ['-stream_loop', String(times - 1), '-i', at('once.y4m')];
      await promisify(execFile)('ffmpeg', ['-v', 'error', '-y', ...loop, ...encode, path]);
      return path;
    },
    async centre() {
      const child = spawn(process.execPath, [CENTRE, at('centre.db')], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const ended = once(child, 'close');
      children.push({ child, ended });
      const [data] = (await Promise.race([
        once(child.stdout, 'data'),
        ended.then(() => Promise.reject(new Error('the centre ended before it listened'))),
      ])) as [Buffer];
      const port = Number(data.toString());
      network.to(port);
      const ask = async <T>(store: string, method: string, body: object = {}): Promise<T> => {
        const url = `http://127.0.0.1:${port}/v1.0/actors/Store/${store}/method/${method}`;
        const response = await fetch(url, { method: 'PUT', body: JSON.stringify(body) });
        if (!response.ok) throw new Error(await response.text());
        return (await response.json()) as T;
      };
      return {
        port,
        child,
        async kill(signal) {
          child.kill(signal);
          await ended;
        },
        view: (store) => ask(store, 'view'),
        heat: (store) => ask(store, 'heatMap'),
        configure: (store, camera, settings) => ask(store, 'configure', { camera, settings }),
      };
    },
    edge(store, footage, ...flags) {
      const child = spawn(
        process.execPath,
        [
          ...[EDGE, '--centre', network.url, '--store', store, '--folder', at(store)],
          ...['--camera', `door=${footage}`, '--settings', at('settings.json')],
          ...['--origin', '2026-11-28T09:00:00Z', '--every', '100', '--longest-pause', '500'],
          ...flags,
        ],
        { stdio: ['ignore', 'pipe', 'pipe'] },
      );
      const ended = once(child, 'close').then(
        ([code, signal]) => (code ?? signal) as number | NodeJS.Signals,
      );
      const life: EdgeLife = { child, ended, err: '', out: '' };
      child.stdout.on('data', (data: Buffer) => (life.out += data.toString()));
      child.stderr.on('data', (data: Buffer) => (life.err += data.toString()));
      children.push({ child, ended });
      return life;
    },
    async reached(life, store, frames) {
      for (;;) {
        const saved = await loadCheckpoint(at(store, 'door', 'checkpoint'));
        if ((saved?.checkpoint.state.frame ?? 0) >= frames) return;
        const ended = await Promise.race([life.ended, pause(20)]);
        if (ended !== undefined) throw new Error(`the edge ended with ${ended}: ${life.err}`);
      }
    },
    async [Symbol.asyncDispose]() {
      for (const { child, ended } of children) {
        if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
        await ended;
      }
      await network[Symbol.asyncDispose]();
      await rm(folder, { recursive: true });
    },
  };
}
