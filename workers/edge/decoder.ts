/**
 * Frames of a file or a stream, by ffmpeg: scaled to the size in which cameras
 * are watched and given in chunks that can move to a worker thread. Never holds
 * more than a chunk and what the pipe holds, so that ffmpeg waits for its reader.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { TroupeError } from '../../runtime/core/errors.ts';
import { FRAME_BYTES, HEIGHT, WIDTH } from './messages.ts';

export interface DecodeOptions {
  /** File or address, anything that ffmpeg opens. */
  readonly source: string;
  /** Frames a second to give, whatever the source has. */
  readonly rate: number;
  /** The first frame to give. Default 0. */
  readonly from?: number;
  /** Gives a file as slowly as it was taken. Default false. */
  readonly live?: boolean;
  /** Frames of one chunk. Default 10. */
  readonly chunk?: number;
  /** Default `ffmpeg`. */
  readonly ffmpeg?: string;
  readonly signal?: AbortSignal;
}

const STDERR_KEPT = 2000;
const BY_NETWORK = /^[a-z]+:\/\//;

function argsOf({ source, rate, from = 0, live = false }: DecodeOptions): string[] {
  const filters = [`fps=${rate}`, `scale=${WIDTH}:${HEIGHT}:flags=area`];
  if (from > 0) filters.push(`trim=start_frame=${from}`);
  return [
    ...['-nostdin', '-hide_banner', '-loglevel', 'error', '-threads', '1'],
    ...(live && !BY_NETWORK.test(source) ? ['-re'] : []),
    ...['-i', source, '-an', '-sn', '-dn', '-vf', filters.join(',')],
    ...['-pix_fmt', 'yuv420p', '-threads', '1', '-f', 'rawvideo', 'pipe:1'],
  ];
}

/**
 * Chunks of whole frames, the last one shorter.
 *
 * @throws TroupeError UNAVAILABLE when ffmpeg is not installed or cannot read the source, CANCELLED by the signal.
 */
export async function* decode(options: DecodeOptions): AsyncGenerator<ArrayBuffer, void> {
  const { source, chunk = 10, ffmpeg = 'ffmpeg', signal } = options;
  const child = spawn(ffmpeg, argsOf(options), { stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  child.stderr.on('data', (data: Buffer) => {
    said = (said + data.toString()).slice(-STDERR_KEPT);
  });
  const closed = once(child, 'close') as Promise<[code: number | null, signal: string | null]>;
  closed.catch(() => undefined);
  const stop = (): void => void child.kill('SIGKILL');
  signal?.addEventListener('abort', stop, { once: true });
  if (signal?.aborted) stop();
  try {
    let buffer = new Uint8Array(FRAME_BYTES * chunk);
    let filled = 0;
    for await (const data of child.stdout as AsyncIterable<Buffer>) {
      for (let at = 0; at < data.length;) {
        const part = data.subarray(at, at + buffer.length - filled);
        buffer.set(part, filled);
        at += part.length;
        filled += part.length;
        if (filled < buffer.length) continue;
        yield buffer.buffer;
        buffer = new Uint8Array(FRAME_BYTES * chunk);
        filled = 0;
      }
    }
    const [code] = await closed;
    if (signal?.aborted) throw new TroupeError('CANCELLED', `the camera ${source} was stopped`);
    if (code !== 0) throw unreadable(source, said.trim() || `ffmpeg ended with ${code}`);
    const whole = filled - (filled % FRAME_BYTES);
    if (whole > 0) yield buffer.buffer.slice(0, whole);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    const text = `the decoder "${ffmpeg}" is not installed; on Debian and Ubuntu it is the package ffmpeg: apt-get install ffmpeg`;
    throw new TroupeError('UNAVAILABLE', text, { cause: error });
  } finally {
    signal?.removeEventListener('abort', stop);
    if (child.exitCode === null && child.signalCode === null) stop();
  }
}

function unreadable(source: string, why: string): TroupeError {
  return new TroupeError('UNAVAILABLE', `ffmpeg cannot read ${source}: ${why}`);
}
