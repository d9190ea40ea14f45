/** Asks a sidecar over its ports or sockets: whether it takes connections, and to keep what the command knows. */
import { connect } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { callSidecar, type SidecarPlace, socketFile } from '../sidecar-call.ts';
import type { AppRun } from './app.ts';

const POLL_MS = 20;

function placeOf(run: AppRun, api: 'http' | 'grpc'): SidecarPlace {
  if (run.unixDomainSocket !== '') {
    return { path: socketFile(run.unixDomainSocket, run.appId, api) };
  }
  return { host: hostOf(run.listenAddresses), port: run.ports[api] };
}

/** The first address that a sidecar listens on, as one to connect to. */
function hostOf(addresses: string): string {
  const [first = ''] = addresses.split(',');
  const host = first.trim().replace(/^\[(.*)\]$/, '$1');
  if (host === '' || host === '0.0.0.0') return '127.0.0.1';
  return host === '::' ? '::1' : host;
}

function accepts(place: SidecarPlace): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(place);
    const answer = (is: boolean): void => {
      socket.destroy();
      resolve(is);
    };
    socket.once('connect', () => answer(true));
    socket.once('error', () => answer(false));
  });
}

/** True when the sidecar takes connections; false when the signal aborted first. */
export async function listening(
  run: AppRun,
  api: 'http' | 'grpc',
  signal: AbortSignal,
): Promise<boolean> {
  const place = placeOf(run, api);
  while (!signal.aborted) {
    if (await accepts(place)) return true;
    await pause(POLL_MS, undefined, { signal }).catch(() => {});
  }
  return false;
}

/** Keeps a value in the sidecar's metadata, where `troupe list` and `dapr list` find it. Rejects when it is not kept. */
export async function putMetadata(
  run: AppRun,
  {
    key,
    value,
    token,
    signal,
  }: {
    readonly key: string;
    readonly value: string;
    readonly token: string | undefined;
    readonly signal: AbortSignal;
  },
): Promise<void> {
  const { status } = await callSidecar(placeOf(run, 'http'), {
    method: 'PUT',
    path: `/v1.0/metadata/${key}`,
    headers: { 'content-type': 'text/plain' },
    body: Buffer.from(value),
    token,
    signal,
  });
  if (status >= 300) throw new Error(`the sidecar answered ${status}`);
}
