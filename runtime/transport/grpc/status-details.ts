/**
 * google.rpc.Status and the details that Dapr puts into it, written by hand:
 * six messages of the error path need no schema.
 */
import protobuf from 'protobufjs/minimal.js';
import type { RichDetails } from '../../api/api-error.ts';
import type { ErrorRow } from '../../api/error-map.ts';
import type { WireError } from '../../core/errors.ts';

const { Reader, Writer } = protobuf;

export interface AnyMessage {
  readonly typeUrl: string;
  readonly value: Uint8Array;
}

const PREFIX = 'type.googleapis.com/google.rpc.';
const OWN_DOMAIN = 'troupe';
const TEXT = 2;

/** A message of text fields, by number; what is empty is left out. */
function texts(fields: readonly (readonly [number, string])[]): protobuf.Writer {
  const writer = Writer.create();
  for (const [number, text] of fields) {
    if (text !== '') writer.uint32((number << 3) | TEXT).string(text);
  }
  return writer;
}

function errorInfo(
  reason: string,
  domain: string,
  metadata: Readonly<Record<string, string>>,
): AnyMessage {
  const writer = texts([
    [1, reason],
    [2, domain],
  ]);
  for (const [key, value] of Object.entries(metadata)) {
    writer.uint32((3 << 3) | TEXT).bytes(
      texts([
        [1, key],
        [2, value],
      ]).finish(),
    );
  }
  return { typeUrl: `${PREFIX}ErrorInfo`, value: writer.finish() };
}

/** The details of an error of the rich form. */
export function errorDetails(row: ErrorRow, rich: RichDetails): AnyMessage[] {
  const { metadata = {}, resource, field, help } = rich;
  const details = [errorInfo(row.reason ?? row.errorCode, 'dapr.io', metadata)];
  if (resource) {
    const value = texts([
      [1, resource.type],
      [2, resource.name],
      [4, resource.description ?? ''],
    ]).finish();
    details.push({ typeUrl: `${PREFIX}ResourceInfo`, value });
  }
  if (field) {
    const violation = texts([
      [1, field.name],
      [2, field.description],
    ]).finish();
    const value = Writer.create()
      .uint32((1 << 3) | TEXT)
      .bytes(violation)
      .finish();
    details.push({ typeUrl: `${PREFIX}BadRequest`, value });
  }
  if (help) {
    const link = texts([
      [1, help.description],
      [2, help.url],
    ]).finish();
    const value = Writer.create()
      .uint32((1 << 3) | TEXT)
      .bytes(link)
      .finish();
    details.push({ typeUrl: `${PREFIX}Help`, value });
  }
  return details;
}

/** The ErrorInfo that daprd makes of an HTTP status. */
export function httpErrorInfo(status: number, text: string, body: string): AnyMessage {
  return errorInfo(text, 'dapr.io', {
    'http.code': String(status),
    'http.error_message': body.slice(0, 63),
  });
}

/** The runtime's own error, whole, so that a ref of ours throws the original again. */
export function wireDetail(wire: WireError): AnyMessage {
  return errorInfo(wire.code, OWN_DOMAIN, { error: JSON.stringify(wire) });
}

function* fieldsOf(bytes: Uint8Array): Generator<[number, Uint8Array]> {
  const reader = Reader.create(bytes);
  while (reader.pos < reader.len) {
    const tag = reader.uint32();
    if ((tag & 7) === TEXT) yield [tag >>> 3, reader.bytes()];
    else reader.skipType(tag & 7);
  }
}

/** What `wireDetail` put into the details of a status; undefined when it is not there. */
export function wireErrorOf(details: Uint8Array | undefined): WireError | undefined {
  const decoder = new TextDecoder();
  try {
    for (const { typeUrl, value } of details ? decodeDetails(details) : []) {
      if (typeUrl !== `${PREFIX}ErrorInfo`) continue;
      const fields = [...fieldsOf(value)];
      const domain = fields.find(([number]) => number === 2)?.[1];
      if (!domain || decoder.decode(domain) !== OWN_DOMAIN) continue;
      for (const [number, entry] of fields) {
        if (number !== 3) continue;
        const [[, key], [, text]] = [...fieldsOf(entry)] as [[1, Uint8Array], [2, Uint8Array]];
        if (decoder.decode(key) === 'error') return JSON.parse(decoder.decode(text)) as WireError;
      }
    }
  } catch {
    return undefined;
  }
  return undefined;
}

/** The reason of the first ErrorInfo of a status' details; empty when there is none. */
export function reasonOf(details: Uint8Array | undefined): string {
  const info =
    details && decodeDetails(details).find(({ typeUrl }) => typeUrl.endsWith('ErrorInfo'));
  const reason = info && [...fieldsOf(info.value)].find(([number]) => number === 1)?.[1];
  return reason ? new TextDecoder().decode(reason) : '';
}

export function encodeStatus(
  code: number,
  message: string,
  details: readonly AnyMessage[],
): Uint8Array {
  const writer = Writer.create()
    .uint32(1 << 3)
    .int32(code)
    .uint32((2 << 3) | TEXT)
    .string(message);
  for (const { typeUrl, value } of details) {
    const any = Writer.create();
    any.uint32((1 << 3) | TEXT).string(typeUrl);
    any.uint32((2 << 3) | TEXT).bytes(value);
    writer.uint32((3 << 3) | TEXT).bytes(any.finish());
  }
  return writer.finish();
}

/** What a status' details hold; none when the bytes are no google.rpc.Status. */
export function decodeDetails(bytes: Uint8Array): AnyMessage[] {
  const details: AnyMessage[] = [];
  try {
    const reader = Reader.create(bytes);
    while (reader.pos < reader.len) {
      const tag = reader.uint32();
      if (tag >>> 3 !== 3) {
        reader.skipType(tag & 7);
        continue;
      }
      const any = Reader.create(reader.bytes());
      let typeUrl = '';
      let value: Uint8Array = new Uint8Array(0);
      while (any.pos < any.len) {
        const inner = any.uint32();
        if (inner >>> 3 === 1) typeUrl = any.string();
        else if (inner >>> 3 === 2) value = any.bytes();
        else any.skipType(inner & 7);
      }
      details.push({ typeUrl, value });
    }
  } catch {
    return [];
  }
  return details;
}
