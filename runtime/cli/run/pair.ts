/**
 * An app and its sidecar as two process groups: started in Dapr's order (the
 * sidecar first, and before an app without a port until it takes connections),
 * their lines sent where they belong, and stopped with the app first, so that
 * what it still has to say finds its sidecar.
 */
import { fileURLToPath } from 'node:url';
import { rm } from 'node:fs/promises';
import { TroupeError } from '../../core/errors.ts';
import { socketFile } from '../sidecar-call.ts';
import { appEnvironment, type AppRun, sidecarArguments } from './app.ts';
import type { Guard } from './guard.ts';
import { createTail, eachLine, type LineSink, type Status } from './output.ts';
import { type Exit, type ProcessGroup, startGroup } from './process-group.ts';
import { listening, putMetadata } from './sidecar-ports.ts';

const COMMAND = fileURLToPath(new URL('../troupe.js', import.meta.url));
/** As Dapr's command line waits for its sidecar. */
const SIDECAR_MS = 60_000;
/** What a program has to finish in. Longer than the five seconds in which a sidecar drains. */
const APP_GRACE_MS = 5000;
const SIDECAR_GRACE_MS = 7000;

export interface PairOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly guard: Guard;
  readonly status: Status;
  readonly appSinks: readonly LineSink[];
  readonly daprdSinks: readonly LineSink[];
  /** Beside the process ids and the command. */
  readonly metadata: Readonly<Record<string, string>>;
  readonly stop: AbortSignal;
}

export interface Part {
  readonly group: ProcessGroup;
  /** The last lines that it wrote. */
  readonly tail: () => readonly string[];
}

export interface Pair {
  readonly run: AppRun;
  /** Undefined when embedded. */
  readonly sidecar: Part | undefined;
  /** Undefined without a command. */
  readonly app: Part | undefined;
  /** Ends the app, then the sidecar, each with time to finish. */
  stop(): Promise<void>;
  /** Ends both at once. */
  kill(): void;
}

/** A program that was asked to end, and did, has not failed. */
export const failed = ({ code, signal }: Exit): boolean =>
  signal === null ? code !== 0 : signal !== 'SIGTERM' && signal !== 'SIGINT';

export const exitText = ({ code, signal }: Exit): string =>
  signal === null ? `exited with code ${code}` : `was ended by ${signal}`;

/** Calls back once the signal has aborted, also when it had before. */
export function onAbort(signal: AbortSignal, then: () => void): void {
  if (signal.aborted) then();
  else signal.addEventListener('abort', then, { once: true });
}

async function part(sinks: readonly LineSink[], start: () => Promise<ProcessGroup>): Promise<Part> {
  const group = await start();
  const tail = createTail();
  const take = (line: string): void => {
    tail.write(line);
    for (const sink of sinks) sink.write(line);
  };
  void eachLine(group.stdout, take);
  void eachLine(group.stderr, take);
  return { group, tail: tail.lines };
}

function startSidecar(run: AppRun, { env, guard, daprdSinks }: PairOptions): Promise<Part> {
  const args = sidecarArguments(run);
  return part(daprdSinks, () =>
    startGroup({
      command: run.daprd ?? process.execPath,
      args: run.daprd === undefined ? [COMMAND, 'sidecar', ...args] : args,
      cwd: run.cwd,
      // Without it a daprd tells its peers an address of the network.
      env: { DAPR_HOST_IP: '127.0.0.1', ...env },
      guard,
    }),
  );
}

/** False when it does not take connections within its time, or has ended. */
async function isUp(run: AppRun, sidecar: Part, stop: AbortSignal): Promise<boolean> {
  const ended = new AbortController();
  void sidecar.group.exited.then(() => ended.abort());
  const signal = AbortSignal.any([stop, ended.signal, AbortSignal.timeout(SIDECAR_MS)]);
  const both = await Promise.all([listening(run, 'http', signal), listening(run, 'grpc', signal)]);
  return both.every(Boolean);
}

/** Tells the sidecar who runs it, once it listens; the app does not wait for that. */
async function tell(pair: Pair, options: PairOptions): Promise<void> {
  const { run, sidecar, app } = pair;
  if (!sidecar) return;
  const { status, env, stop } = options;
  const ended = new AbortController();
  void sidecar.group.exited.then(() => ended.abort());
  const signal = AbortSignal.any([stop, ended.signal]);
  if (!(await listening(run, 'http', signal))) return;
  const entries = {
    cliPID: String(process.pid),
    ...(app ? { appPID: String(app.group.pid), appCommand: run.command.join(' ') } : {}),
    ...options.metadata,
  };
  const token = env['DAPR_API_TOKEN'];
  for (const [key, value] of Object.entries(entries)) {
    await putMetadata(run, { key, value, token, signal }).catch((error: unknown) => {
      if (signal.aborted) return;
      status('warning', `could not tell the sidecar ${key}: ${(error as Error).message}`);
    });
  }
}

/** Errors: NOT_FOUND and UNAVAILABLE of a program that cannot be started; nothing is left running then. */
export async function startPair(run: AppRun, options: PairOptions): Promise<Pair> {
  const { status, stop } = options;
  const at =
    run.unixDomainSocket === ''
      ? `HTTP Port: ${run.ports.http}. gRPC Port: ${run.ports.grpc}`
      : `HTTP Socket: ${socketFile(run.unixDomainSocket, run.appId, 'http')}. gRPC Socket: ${socketFile(run.unixDomainSocket, run.appId, 'grpc')}`;
  status('info', `Starting ${run.embedded ? 'app' : 'Dapr with id'} ${run.appId}. ${at}`);
  const sidecar = run.embedded ? undefined : await startSidecar(run, options);
  try {
    if (sidecar && (run.appPort <= 0 || run.command.length === 0)) {
      const up = await isUp(run, sidecar, stop);
      const exit = sidecar.group.exit();
      if (up) status('info', 'Dapr sidecar is up and running.');
      else if (exit) {
        throw new TroupeError(
          'UNAVAILABLE',
          `the sidecar of "${run.appId}" ${exitText(exit)} before it took connections${lastLines(sidecar)}`,
        );
      } else if (!stop.aborted) status('warning', 'Dapr sidecar might not be responding.');
    }
    const app = run.command.length === 0 || stop.aborted ? undefined : await startApp(run, options);
    const pair = control(run, sidecar, app);
    void tell(pair, options);
    return pair;
  } catch (error) {
    await sidecar?.group.stop(SIDECAR_GRACE_MS);
    throw error;
  }
}

function startApp(run: AppRun, { env, guard, appSinks }: PairOptions): Promise<Part> {
  const [command = '', ...args] = run.command;
  return part(appSinks, () =>
    startGroup({ command, args, cwd: run.cwd, env: { ...env, ...appEnvironment(run) }, guard }),
  );
}

/** For the end of a message. */
export function lastLines({ tail }: Part): string {
  const lines = tail();
  return lines.length === 0
    ? '; it wrote nothing'
    : `; its last lines:\n${lines.map((line) => `    ${line}`).join('\n')}`;
}

function control(run: AppRun, sidecar: Part | undefined, app: Part | undefined): Pair {
  return {
    run,
    sidecar,
    app,
    async stop() {
      await app?.group.stop(APP_GRACE_MS);
      await sidecar?.group.stop(SIDECAR_GRACE_MS);
      if (run.unixDomainSocket === '') return;
      for (const api of ['http', 'grpc'] as const) {
        await rm(socketFile(run.unixDomainSocket, run.appId, api), { force: true });
      }
    },
    kill() {
      app?.group.kill();
      sidecar?.group.kill();
    },
  };
}
