/**
 * Finds the sidecars of this machine as Dapr's command line does: processes
 * named daprd, their arguments, and what their metadata says of who runs them.
 * Troupe's sidecar takes that name, so each command finds the sidecars of both.
 */
import { readdir, readFile } from 'node:fs/promises';
import { TroupeError } from '../../core/errors.ts';
import { callSidecar, type SidecarPlace, socketFile } from '../sidecar-call.ts';

export interface Instance {
  readonly appId: string;
  readonly httpPort: number;
  readonly grpcPort: number;
  readonly appPort: number;
  readonly metricsEnabled: boolean;
  readonly command: string;
  readonly age: string;
  readonly created: string;
  readonly daprdPid: number;
  /** 0: it was not started by a command line. */
  readonly cliPid: number;
  readonly appPid: number;
  readonly maxRequestBodySize: number;
  readonly httpReadBufferSize: number;
  readonly runTemplatePath: string;
  readonly appLogPath: string;
  readonly daprdLogPath: string;
  readonly runTemplateName: string;
}

export interface FoundInstance {
  readonly listed: Instance;
  readonly place: SidecarPlace;
}

const TICKS_PER_SECOND = 100;
const ANSWER_MS = 2000;
const COMMAND_LENGTH = 20;

/** Flags by name; a bare flag has an empty value. */
function flagsOf(args: readonly string[]): ReadonlyMap<string, string> {
  const flags = new Map<string, string>();
  for (let i = 0; i < args.length; i++) {
    const [, name, attached] = /^--([^=]+)(?:=([^]*))?$/.exec(args[i]!) ?? [];
    if (name === undefined) continue;
    const next = args[i + 1];
    if (attached !== undefined) flags.set(name, attached);
    else if (next === undefined || next.startsWith('--')) flags.set(name, '');
    else {
      flags.set(name, next);
      i++;
    }
  }
  return flags;
}

/** `5s`, `3m`, `2h`, `4d`. */
function ageOf(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m`;
  return seconds < 86_400 ? `${Math.floor(seconds / 3600)}h` : `${Math.floor(seconds / 86_400)}d`;
}

/** In the order of process ids. Errors: UNSUPPORTED on a machine without /proc. */
export async function findInstances(token: string | undefined): Promise<FoundInstance[]> {
  const names = await readdir('/proc').catch((cause: unknown) => {
    throw new TroupeError(
      'UNSUPPORTED',
      'the sidecars of this machine are found through /proc, which only Linux has',
      { cause },
    );
  });
  const boot = /^btime (\d+)$/m.exec(await readFile('/proc/stat', 'utf8'));
  const bootMs = Number(boot?.[1] ?? 0) * 1000;
  const pids = names.filter((name) => /^\d+$/.test(name)).map(Number);
  const found = await Promise.all(pids.map((pid) => look(pid, bootMs, token)));
  return found
    .filter((one) => one !== undefined)
    .toSorted((a, b) => a.listed.daprdPid - b.listed.daprdPid);
}

async function look(
  pid: number,
  bootMs: number,
  token: string | undefined,
): Promise<FoundInstance | undefined> {
  // A process may end while it is looked at.
  const read = (name: string): Promise<string> =>
    readFile(`/proc/${pid}/${name}`, 'utf8').catch(() => '');
  if ((await read('comm')).trim() !== 'daprd') return undefined;
  const [commandLine, stat] = await Promise.all([read('cmdline'), read('stat')]);
  const flags = flagsOf(commandLine.split('\0').slice(1));
  const appId = flags.get('app-id');
  if (!appId) return undefined;
  const whole = (name: string, fallback: number): number => {
    const value = flags.get(name) ?? '';
    return /^\d+$/.test(value) ? Number(value) : fallback;
  };
  const httpPort = whole('dapr-http-port', 3500);
  const socket = flags.get('unix-domain-socket') ?? '';
  const place: SidecarPlace =
    socket === ''
      ? { host: '127.0.0.1', port: httpPort }
      : { path: socketFile(socket, appId, 'http') };
  const extended = await metadataOf(place, token);
  const startTicks = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? 0);
  const createdMs = bootMs + (startTicks / TICKS_PER_SECOND) * 1000;
  return {
    place,
    listed: {
      appId,
      httpPort,
      grpcPort: whole('dapr-grpc-port', 50_001),
      appPort: whole('app-port', 0),
      metricsEnabled: flags.get('enable-metrics') !== 'false',
      command: shorten(extended['appCommand'] ?? ''),
      age: ageOf(Date.now() - createdMs),
      created: localTime(new Date(createdMs)),
      daprdPid: pid,
      cliPid: Number(extended['cliPID'] ?? 0) || 0,
      appPid: Number(extended['appPID'] ?? 0) || 0,
      maxRequestBodySize: 4 << 20,
      httpReadBufferSize: 4 << 10,
      runTemplatePath: extended['runTemplatePath'] ?? '',
      appLogPath: extended['appLogPath'] ?? '',
      daprdLogPath: extended['daprdLogPath'] ?? '',
      runTemplateName: extended['runTemplateName'] ?? '',
    },
  };
}

const shorten = (text: string): string =>
  text.length <= COMMAND_LENGTH ? text : `${text.slice(0, COMMAND_LENGTH - 3)}...`;

/** As Dapr prints it: `2026-03-02 14:05.09`. */
function localTime(at: Date): string {
  const two = (value: number): string => String(value).padStart(2, '0');
  const day = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  return `${day} ${two(at.getHours())}:${two(at.getMinutes())}.${two(at.getSeconds())}`;
}

/** Empty where the sidecar does not answer. */
async function metadataOf(
  place: SidecarPlace,
  token: string | undefined,
): Promise<Readonly<Record<string, string>>> {
  try {
    const { body } = await callSidecar(place, {
      method: 'GET',
      path: '/v1.0/metadata',
      token,
      signal: AbortSignal.timeout(ANSWER_MS),
    });
    const { extended = {} } = JSON.parse(body.toString()) as {
      extended?: Record<string, string>;
    };
    return extended;
  } catch {
    return {};
  }
}
