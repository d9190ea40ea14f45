/** google.protobuf.Value and Struct, to JSON and back. */
import protobuf from 'protobufjs/minimal.js';

type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };

const VARINT = 0;
const FIXED64 = 1;
const BYTES = 2;
const tag = (field: number, wire: number): number => (field << 3) | wire;

function write(writer: protobuf.Writer, value: Json): protobuf.Writer {
  if (value === null) return writer.uint32(tag(1, VARINT)).int32(0);
  if (typeof value === 'number') return writer.uint32(tag(2, FIXED64)).double(value);
  if (typeof value === 'string') return writer.uint32(tag(3, BYTES)).string(value);
  if (typeof value === 'boolean') return writer.uint32(tag(4, VARINT)).bool(value);
  if (Array.isArray(value)) {
    writer.uint32(tag(6, BYTES)).fork();
    for (const item of value as readonly Json[])
      write(writer.uint32(tag(1, BYTES)).fork(), item).ldelim();
    return writer.ldelim();
  }
  writer.uint32(tag(5, BYTES)).fork();
  for (const [name, member] of Object.entries(value)) {
    writer.uint32(tag(1, BYTES)).fork();
    writer.uint32(tag(1, BYTES)).string(name);
    write(writer.uint32(tag(2, BYTES)).fork(), member).ldelim();
    writer.ldelim();
  }
  return writer.ldelim();
}

/** Bytes of a google.protobuf.Value of the JSON text. */
export function encodeValue(json: string): Uint8Array {
  return write(protobuf.Writer.create(), JSON.parse(json) as Json).finish();
}

type Visit = (field: number, reader: protobuf.Reader) => void;

/** Calls `visit` for each field of the message of `length` bytes; what it leaves is an error of its own. */
function each(reader: protobuf.Reader, length: number, visit: Visit): void {
  const end = reader.pos + length;
  while (reader.pos < end) visit(reader.uint32() >>> 3, reader);
}

function readEntry(reader: protobuf.Reader): [string, Json] {
  let name = '';
  let value: Json = null;
  each(reader, reader.uint32(), (field) => {
    if (field === 1) name = reader.string();
    else if (field === 2) value = read(reader, reader.uint32());
    else throw new Error('not a google.protobuf.Struct');
  });
  return [name, value];
}

function read(reader: protobuf.Reader, length: number): Json {
  let value: Json = null;
  each(reader, length, (field) => {
    switch (field) {
      case 1:
        reader.int32();
        value = null;
        return;
      case 2:
        value = reader.double();
        return;
      case 3:
        value = reader.string();
        return;
      case 4:
        value = reader.bool();
        return;
      case 5: {
        const entries: [string, Json][] = [];
        each(reader, reader.uint32(), () => void entries.push(readEntry(reader)));
        value = Object.fromEntries(entries);
        return;
      }
      case 6: {
        const items: Json[] = [];
        each(reader, reader.uint32(), () => void items.push(read(reader, reader.uint32())));
        value = items;
        return;
      }
      default:
        throw new Error('not a google.protobuf.Value');
    }
  });
  return value;
}

/** JSON text of the bytes of a google.protobuf.Value; undefined when they are none, or have no kind. */
export function decodeValue(bytes: Uint8Array): string | undefined {
  if (bytes.byteLength === 0) return undefined;
  try {
    return JSON.stringify(read(protobuf.Reader.create(bytes), bytes.byteLength));
  } catch {
    return undefined;
  }
}

/** A google.protobuf.Value as the codec decodes it. */
interface PlainValue {
  readonly numberValue?: number;
  readonly stringValue?: string;
  readonly boolValue?: boolean;
  readonly structValue?: PlainStruct | null;
  readonly listValue?: { readonly values: readonly PlainValue[] } | null;
}

/** A google.protobuf.Struct as the codec decodes it. */
export interface PlainStruct {
  readonly fields: Readonly<Record<string, PlainValue>>;
}

function jsonOf(value: PlainValue): Json {
  if (Object.hasOwn(value, 'numberValue')) return value.numberValue!;
  if (Object.hasOwn(value, 'stringValue')) return value.stringValue!;
  if (Object.hasOwn(value, 'boolValue')) return value.boolValue!;
  if (value.structValue) return jsonOfStruct(value.structValue);
  return value.listValue ? value.listValue.values.map(jsonOf) : null;
}

export function jsonOfStruct({ fields }: PlainStruct): { readonly [name: string]: Json } {
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, jsonOf(value)]));
}

/** A google.protobuf.Duration as the codec decodes it; seconds are a Long. */
export interface PlainDuration {
  readonly seconds: unknown;
  readonly nanos: number;
}

export function millisecondsOf({ seconds, nanos }: PlainDuration): number {
  return Number(seconds) * 1000 + nanos / 1e6;
}

export function durationOf(ms: number): { seconds: number; nanos: number } {
  const seconds = Math.trunc(ms / 1000);
  return { seconds, nanos: Math.round((ms - seconds * 1000) * 1e6) };
}
