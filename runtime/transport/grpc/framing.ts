/**
 * gRPC messages in a byte stream: one byte of flags, four of length, the
 * message. The length is held against the limit before a byte is kept.
 */
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { GrpcError } from './status.ts';

const HEAD = 5;
const COMPRESSED = 1;
const inflate = promisify(gunzip);

/** A message with its prefix, in one buffer. */
export function frame(message: Uint8Array): Buffer {
  const buffer = Buffer.allocUnsafe(HEAD + message.byteLength);
  buffer[0] = 0;
  buffer.writeUInt32BE(message.byteLength, 1);
  buffer.set(message, HEAD);
  return buffer;
}

export interface FrameLimits {
  readonly maxBytes: number;
  /** What `grpc-encoding` names. */
  readonly encoding: string | undefined;
}

/** One message, still packed when `compressed`. */
export interface Frame {
  readonly compressed: boolean;
  readonly bytes: Buffer;
}

/** Cuts a byte stream into frames. Errors: RESOURCE_EXHAUSTED, INTERNAL for broken framing. */
export class Deframer {
  readonly #maxBytes: number;
  #chunks: Buffer[] = [];
  #size = 0;
  #want = -1;
  #compressed = false;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  push(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#size += chunk.byteLength;
  }

  /** The next whole frame; undefined while bytes are missing. */
  next(): Frame | undefined {
    if (this.#want < 0) {
      if (this.#size < HEAD) return undefined;
      const head = this.#take(HEAD);
      const flags = head[0]!;
      if (flags > COMPRESSED) {
        throw new GrpcError('INTERNAL', `this is no gRPC message: its flags are ${flags}`);
      }
      const length = head.readUInt32BE(1);
      if (length > this.#maxBytes) {
        throw new GrpcError(
          'RESOURCE_EXHAUSTED',
          `grpc: received message larger than max (${length} vs. ${this.#maxBytes})`,
        );
      }
      this.#compressed = flags === COMPRESSED;
      this.#want = length;
    }
    if (this.#size < this.#want) return undefined;
    const bytes = this.#take(this.#want);
    this.#want = -1;
    return { compressed: this.#compressed, bytes };
  }

  /** Throws when the stream ended inside a message. */
  end(): void {
    if (this.#size > 0 || this.#want >= 0) {
      throw new GrpcError('INTERNAL', 'the request ended inside a message');
    }
  }

  #take(length: number): Buffer {
    this.#size -= length;
    const first = this.#chunks[0];
    if (first === undefined || length === 0) return Buffer.alloc(0);
    if (first.byteLength === length) return this.#chunks.shift()!;
    if (first.byteLength > length) {
      this.#chunks[0] = first.subarray(length);
      return first.subarray(0, length);
    }
    const all = Buffer.concat(this.#chunks);
    this.#chunks = all.byteLength > length ? [all.subarray(length)] : [];
    return all.subarray(0, length);
  }
}

/** The message of a frame. Errors: UNIMPLEMENTED for an unknown encoding, RESOURCE_EXHAUSTED, INTERNAL. */
export async function unpack(
  { compressed, bytes }: Frame,
  { maxBytes, encoding }: FrameLimits,
): Promise<Buffer> {
  if (!compressed) return bytes;
  if (encoding === undefined || encoding === 'identity') {
    throw new GrpcError('INTERNAL', 'a message is compressed but grpc-encoding names no encoding');
  }
  try {
    return await inflate(bytes, Number.isFinite(maxBytes) ? { maxOutputLength: maxBytes } : {});
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') {
      throw new GrpcError(
        'RESOURCE_EXHAUSTED',
        `received message larger than max after decompression (${maxBytes})`,
        { cause },
      );
    }
    throw new GrpcError('INTERNAL', 'a message is not the gzip that it says it is', { cause });
  }
}
