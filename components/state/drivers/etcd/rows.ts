/**
 * A row of `state.etcd` in bytes. Under the key is what daprd keeps there: the
 * value itself (v1), or its message of value, time of writing and time to live
 * (v2). What daprd has no place for stands beside it, under the key and a NUL,
 * written in the same revision; it counts only while both have that revision,
 * since daprd writes the row without it. Entries of an index are keys of their
 * own, in the order of the index.
 */
import type { IKeyValue } from 'etcd3';
import protobuf from 'protobufjs/minimal.js';
import { ComponentError } from '../../../../runtime/core/errors.ts';
import type { ComponentOptions } from '../../../component.ts';
import type { IndexPosition, StateItem, StateValue } from '../../contract.ts';

/** A row as a transaction will leave it. */
export interface Written {
  readonly key: string;
  readonly value: Buffer;
  readonly isText: boolean;
  readonly expiresAt: number | undefined;
  readonly index: IndexPosition | undefined;
}

/** A row as it was found. */
export interface Found {
  readonly revision: string;
  readonly item: StateItem & { readonly value: StateValue };
  readonly index: IndexPosition | undefined;
}

const NUL = Buffer.from([0]);
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The names of keys under one prefix. */
export class Keys {
  readonly #root: string;

  constructor(root: string) {
    this.#root = root;
  }

  row(key: string): Buffer {
    return Buffer.from(this.#root + key);
  }

  side(key: string): Buffer {
    return Buffer.concat([this.row(key), NUL]);
  }

  /** Behind a row and what stands beside it, before every other. */
  end(key: string): Buffer {
    return Buffer.concat([this.row(key), NUL, NUL]);
  }

  /** The state key of a row's key, or of what stands beside a row. */
  keyOf(found: Buffer): { key: string; isSide: boolean } {
    const isSide = found.at(-1) === 0;
    const end = isSide ? found.length - 1 : found.length;
    return { key: found.toString('utf8', Buffer.byteLength(this.#root), end), isSide };
  }

  index(name: string): string {
    return `${this.#root}\0index/${encodeURIComponent(name)}\0`;
  }

  entry(key: string, { name, score }: IndexPosition): Buffer {
    return Buffer.from(this.index(name) + sortable(score) + key);
  }
}

/** The digits of a score that sort as the scores do. */
export function sortable(score: number, add = 0n): string {
  const bits = Buffer.alloc(8);
  bits.writeDoubleBE(score === 0 ? 0 : score);
  const plain = bits.readBigUInt64BE();
  const ordered = plain >> 63n ? ~plain & 0xffff_ffff_ffff_ffffn : plain | (1n << 63n);
  return (ordered + add).toString(16).padStart(16, '0');
}

/** The score and the key of an entry, from what follows the name of its index. */
export function placeOf(rest: string): { score: number; key: string } {
  const ordered = BigInt(`0x${rest.slice(0, 16)}`);
  const plain = ordered >> 63n ? ordered ^ (1n << 63n) : ~ordered & 0xffff_ffff_ffff_ffffn;
  const bits = Buffer.alloc(8);
  bits.writeBigUInt64BE(plain);
  return { score: bits.readDoubleBE(), key: rest.slice(16) };
}

/** What stands beside a row; undefined when the row says all by itself. */
export function sideOf({ isText, expiresAt, index }: Written): Buffer | undefined {
  if (isText && expiresAt === undefined && index === undefined) return undefined;
  const place = index === undefined ? ['', ''] : [String(index.score), index.name];
  return Buffer.from([isText ? 't' : 'b', expiresAt ?? '', ...place].join('|'));
}

/** How a version of the component keeps a value. */
export interface Schema {
  encode(value: Buffer, now: number, expiresAt: number | undefined): Buffer;
  decode(stored: Buffer): { readonly value: Buffer; readonly expiresAt: number | undefined };
}

const plain: Schema = {
  encode: (value) => value,
  decode: (stored) => ({ value: stored, expiresAt: undefined }),
};

/** Dapr's message: 1 data, 2 moment of writing, 3 time to live; the last two are seconds (1) and nanoseconds (2). */
const enveloped: Schema = {
  encode(value, now, expiresAt) {
    const writer = protobuf.Writer.create();
    if (value.length > 0) writer.uint32(10).bytes(value);
    span(writer, 18, now);
    if (expiresAt !== undefined) span(writer, 26, expiresAt - now);
    return Buffer.from(writer.finish());
  },
  decode(stored) {
    const reader = protobuf.Reader.create(stored);
    let value: Buffer = Buffer.alloc(0);
    let written = 0;
    let lasts = 0;
    while (reader.pos < reader.len) {
      const tag = reader.uint32();
      if (tag === 10) value = Buffer.from(reader.bytes());
      else if (tag === 18) written = millisecondsIn(reader);
      else if (tag === 26) lasts = millisecondsIn(reader);
      else reader.skipType(tag & 7);
    }
    // daprd writes a time to live of nothing for a row that has none.
    return { value, expiresAt: lasts > 0 ? written + lasts : undefined };
  },
};

function span(writer: protobuf.Writer, tag: number, ms: number): void {
  const seconds = Math.floor(ms / 1_000);
  const nanos = Math.round((ms - seconds * 1_000) * 1e6);
  writer.uint32(tag).fork().uint32(8).int64(seconds).uint32(16).int32(nanos).ldelim();
}

function millisecondsIn(reader: protobuf.Reader): number {
  const end = reader.uint32() + reader.pos;
  let ms = 0;
  while (reader.pos < end) {
    const tag = reader.uint32();
    if (tag === 8) ms += Number(reader.int64()) * 1_000;
    else if (tag === 16) ms += reader.int32() / 1e6;
    else reader.skipType(tag & 7);
  }
  return ms;
}

export const schemaOf = (version: string): Schema => (version === 'v2' ? enveloped : plain);

/** Reads a row and what stands beside it; undefined where no row is. @throws ComponentError for a row of another version. */
export function foundIn(
  options: ComponentOptions,
  { key, row, side }: { key: string; row: IKeyValue | undefined; side: IKeyValue | undefined },
): Found | undefined {
  if (!row) return undefined;
  const beside = side?.mod_revision === row.mod_revision ? side.value.toString() : '';
  const [kind, ends, score, ...name] = beside.split('|');
  let stored: ReturnType<Schema['decode']>;
  try {
    stored = schemaOf(options.version).decode(row.value);
  } catch (cause) {
    throw new ComponentError(
      options,
      `row "${key}" is not one of version v2; read it with the version that wrote it`,
      { cause },
    );
  }
  const expiresAt = kind ? (ends ? Number(ends) : undefined) : stored.expiresAt;
  return {
    revision: row.mod_revision,
    item: {
      key,
      value: valueOf(stored.value, kind),
      etag: row.mod_revision,
      ...(expiresAt === undefined ? {} : { expiresAt: Math.round(expiresAt) }),
    },
    index: score ? { score: Number(score), name: name.join('|') } : undefined,
  };
}

/** A row that daprd wrote says nothing of its kind: what is text counts as JSON. */
function valueOf(value: Buffer, kind: string | undefined): StateValue {
  if (kind === 'b') return new Uint8Array(value);
  try {
    return utf8.decode(value);
  } catch {
    return new Uint8Array(value);
  }
}
