/** google.protobuf.Any as Dapr uses it: bytes that travel under a type's name. */
import protobuf from 'protobufjs/minimal.js';

/** Field names as the codec gives them. */
export interface AnyBytes {
  readonly type_url: string;
  readonly value: Uint8Array;
}

const BYTES_VALUE = 'type.googleapis.com/google.protobuf.BytesValue';
const NONE = new Uint8Array(0);

/** What an Any carries: the bytes of a BytesValue, else its value as it is. */
export function bytesOfAny(any: AnyBytes | null | undefined): Uint8Array {
  if (!any) return NONE;
  if (any.type_url !== BYTES_VALUE) return any.value;
  const reader = protobuf.Reader.create(any.value);
  let bytes: Uint8Array = NONE;
  while (reader.pos < reader.len) {
    const tag = reader.uint32();
    if (tag >>> 3 === 1) bytes = reader.bytes();
    else reader.skipType(tag & 7);
  }
  return bytes;
}

/** The type that `bytesOfAny` has bytes of; undefined for bytes of no type. */
export function typeOfAny(any: AnyBytes | null | undefined): string | undefined {
  return any && any.type_url !== BYTES_VALUE && any.type_url !== '' ? any.type_url : undefined;
}

/** Bytes as an Any of BytesValue, which is how Dapr carries reminder data. */
export function bytesValue(bytes: Uint8Array): AnyBytes {
  const value = protobuf.Writer.create()
    .uint32((1 << 3) | 2)
    .bytes(bytes)
    .finish();
  return { type_url: BYTES_VALUE, value };
}
