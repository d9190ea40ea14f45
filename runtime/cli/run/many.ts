/**
 * `troupe run -f`: the apps of a run file, started one after the other in its
 * order. An app that fails is reported with its last lines and the others go
 * on; they end with the command, or when every app has ended by itself.
 */
import { readFile } from 'node:fs/promises';
import type { AppRun } from './app.ts';
import { folderOf, planRunFile } from './file.ts';
import type { RunFlags } from './flags.ts';
import { type Guard, startGuard } from './guard.ts';
import {
  createStatus,
  type LineSink,
  type LogFile,
  openLogFile,
  sinksOf,
  type Status,
} from './output.ts';
import { exitText, failed, lastLines, onAbort, type Pair, type Part, startPair } from './pair.ts';
import { checkResources, resolveRun } from './resolve.ts';
import { createPorts } from './ports.ts';
import type { RunSurroundings } from './run.ts';

/** Resolves to the exit code: 1 when an app could not be started, or it or its sidecar failed. */
export async function runMany(
  path: string,
  flags: RunFlags,
  surroundings: RunSurroundings,
): Promise<number> {
  const { cwd, env, stdout, stop, kill } = surroundings;
  const write = (text: string): void => void stdout.write(text);
  const status = createStatus(write, { asJson: flags['log-as-json'], now: () => new Date() });
  const text = path === '-' ? await surroundings.readInput() : await readFile(path, 'utf8');
  const file = { path: path === '-' ? 'standard input' : path, text };
  const plan = planRunFile(file, { folder: folderOf(path, cwd), flags, env });
  for (const warning of plan.warnings) status('warning', warning);
  const ports = createPorts(Math.random);
  const runs: AppRun[] = [];
  for (const request of plan.apps) {
    const run = await resolveRun(request, { ports, env, random: Math.random });
    await checkResources(run);
    runs.push(run);
  }
  const troupe: Started[] = [];
  onAbort(kill, () => troupe.forEach(({ pair }) => pair.kill()));
  const crew: Crew = {
    surroundings,
    status,
    guard: startGuard(),
    metadata: { runTemplatePath: file.path, runTemplateName: plan.name },
    at: new Date(),
  };
  let broken = false;
  for (const run of runs) {
    if (stop.aborted) break;
    status('info', `Validating config and starting app "${run.appId}"`);
    try {
      troupe.push(await startOne(run, crew));
    } catch (error) {
      broken = true;
      status(
        'failure',
        `Error starting Dapr and app ("${run.appId}"): ${(error as Error).message}`,
      );
      break;
    }
  }
  if (!broken) {
    const why = await stoppedOrDone(troupe, stop);
    status(
      'info',
      why === 'stop'
        ? 'Received signal to stop Dapr and app processes. Shutting down Dapr and app processes.'
        : 'Every app has ended. Shutting down Dapr processes.',
    );
  }
  const before = troupe.map(({ pair }) => hasFailed(pair));
  for (const { pair, files } of troupe) {
    await pair.stop();
    status('success', `Exited "${pair.run.appId}"`);
    for (const log of files) await log.close();
  }
  return broken || before.some(Boolean) ? 1 : 0;
}

interface Crew {
  readonly surroundings: RunSurroundings;
  readonly status: Status;
  readonly guard: Guard;
  readonly metadata: Readonly<Record<string, string>>;
  readonly at: Date;
}

interface Started {
  readonly pair: Pair;
  readonly files: readonly LogFile[];
}

const hasFailed = ({ app, sidecar }: Pair): boolean =>
  [app, sidecar].some((part) => {
    const exit = part?.group.exit();
    return exit !== undefined && failed(exit);
  });

async function startOne(run: AppRun, crew: Crew): Promise<Started> {
  const { surroundings, status, guard, at } = crew;
  const { env, stop, stdout, colours } = surroundings;
  const console: LineSink = { write: (line) => void stdout.write(`${line}\n`) };
  const { appId } = run;
  const open = (kind: 'app' | 'daprd'): LogFile => openLogFile(run.cwd, { appId, kind, at });
  const appFile = run.appLog === 'console' || run.command.length === 0 ? undefined : open('app');
  const daprdFile = run.daprdLog === 'console' || run.embedded ? undefined : open('daprd');
  const files = [appFile, daprdFile].filter((one) => one !== undefined);
  if (run.command.length === 0)
    status('warning', `No application command found for app "${appId}"`);
  const prefixed = sinksOf(run.appLog, {
    console: { write: (line) => console.write(colours(line)) },
    file: appFile,
  });
  const mark = `== APP - ${appId} == `;
  let pair: Pair;
  try {
    pair = await startPair(run, {
      env,
      guard,
      status,
      appSinks: prefixed.map((sink) => ({ write: (line: string) => sink.write(mark + line) })),
      daprdSinks: sinksOf(run.daprdLog, { console, file: daprdFile }),
      metadata: {
        ...crew.metadata,
        ...(appFile ? { appLogPath: appFile.path } : {}),
        ...(daprdFile ? { daprdLogPath: daprdFile.path } : {}),
      },
      stop,
    });
  } catch (error) {
    for (const log of files) await log.close();
    throw error;
  }
  for (const [name, part] of [
    ['App', pair.app],
    ['daprd', pair.sidecar],
  ] as const) {
    if (part) void watch(name, part, { appId, status, stop });
  }
  status(
    'info',
    `Started ${run.embedded ? 'app' : 'Dapr with app id'} "${appId}". HTTP Port: ${run.ports.http}. gRPC Port: ${run.ports.grpc}`,
  );
  for (const { path } of files) status('info', `Writing log file: ${path}`);
  return { pair, files };
}

/** Reports how a part ends, unless it was told to. */
async function watch(
  name: 'App' | 'daprd',
  part: Part,
  { appId, status, stop }: { appId: string; status: Status; stop: AbortSignal },
): Promise<void> {
  const exit = await part.group.exited;
  if (stop.aborted) return;
  if (failed(exit)) {
    status(
      'failure',
      `The ${name} process of "${appId}" ${exitText(exit)}; the other apps go on${lastLines(part)}`,
    );
  } else status('success', `The ${name} process of "${appId}" exited successfully`);
}

/** Resolves when the user asks to stop, or when nothing is left that could end otherwise. */
function stoppedOrDone(started: readonly Started[], stop: AbortSignal): Promise<'stop' | 'done'> {
  return new Promise((resolve) => {
    onAbort(stop, () => resolve('stop'));
    // A sidecar without an app goes on until it is stopped, or ends by itself.
    const ends = started.map(({ pair }) => (pair.app ?? pair.sidecar)!.group.exited);
    void Promise.all(ends).then(() => resolve('done'));
  });
}
