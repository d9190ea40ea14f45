/**
 * How values cross from one actor to another. The wire form is JSON; a value
 * that stays in the process is copied instead, with the same outcome to the
 * last detail (codec.test.ts holds the two against each other).
 *
 * Rules: `undefined` as a whole is an empty body; `undefined` members vanish and
 * undefined items become null, as in JSON. Dates become ISO text. A Uint8Array
 * as a whole stays bytes. What JSON would lose without a word is refused with
 * INVALID_ARGUMENT and its path: bigint, NaN, Infinity, Map, Set, nested bytes,
 * functions, symbols, cycles.
 */
import { TroupeError } from './errors.ts';

/** A value already copied: nobody else holds a reference into it. */
export class LocalValue {
  readonly value: unknown;
  constructor(value: unknown) {
    this.value = value;
  }
}

/** JSON bytes from a wire, or raw bytes, or a value of this process. */
export type Payload = Uint8Array | LocalValue;

/** An answer that came over a wire as it is: its bytes, and the headers that go with them. */
export class WireReply extends Uint8Array<ArrayBufferLike> {
  headers: Readonly<Record<string, string | readonly string[]>> = {};
}

/** Takes the bytes over; nobody else may change them. */
export function wireReply(bytes: Uint8Array, headers: WireReply['headers']): WireReply {
  const reply = new WireReply(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  reply.headers = headers;
  return reply;
}

/** What a turn answers: a copy of its value, or what came over a wire untouched. */
export function answerOf(value: unknown): Payload {
  return value instanceof WireReply ? value : copyOf(value);
}

const MAX_DEPTH = 500;
const NOTHING = new LocalValue(undefined);
const TRUE = new LocalValue(true);
const FALSE = new LocalValue(false);
const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true });

/** The payload of a value, isolated from later changes by its sender. */
export function copyOf(value: unknown): LocalValue {
  if (value === undefined) return NOTHING;
  if (value === true) return TRUE;
  if (value === false) return FALSE;
  if (value instanceof Uint8Array) return new LocalValue(new Uint8Array(value));
  return new LocalValue(copy(value, 0, undefined));
}

interface Step {
  readonly key: string | number;
  readonly up: Step | undefined;
}

function refuse(what: string, step: Step | undefined): never {
  const path: (string | number)[] = [];
  for (let at = step; at; at = at.up) path.unshift(at.key);
  const where = path.reduce<string>(
    (text, key) => text + (typeof key === 'number' ? `[${key}]` : `.${key}`),
    '$',
  );
  throw new TroupeError(
    'INVALID_ARGUMENT',
    `${what} at ${where} cannot be sent as JSON; convert it first`,
  );
}

function copy(value: unknown, depth: number, step: Step | undefined): unknown {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return value;
    case 'number':
      if (!Number.isFinite(value)) refuse(String(value), step);
      return value === 0 ? 0 : value;
    case 'object':
      return value === null ? null : copyObject(value, depth, step);
    case 'undefined':
      return undefined;
    case 'bigint':
      return refuse('a bigint', step);
    case 'function':
      return refuse('a function', step);
    case 'symbol':
      return refuse('a symbol', step);
  }
}

function copyObject(value: object, depth: number, step: Step | undefined): unknown {
  if (depth > MAX_DEPTH) refuse('a cycle, or nesting deeper than 500,', step);
  if (Array.isArray(value)) {
    const items: unknown[] = [];
    for (let i = 0; i < value.length; i++) {
      const item = copy(value[i], depth + 1, { key: i, up: step });
      items.push(item === undefined ? null : item);
    }
    return items;
  }
  const { toJSON } = value as { toJSON?: unknown };
  if (typeof toJSON === 'function') {
    return copy(
      (toJSON as (this: object, key: string) => unknown).call(value, String(step?.key ?? '')),
      depth + 1,
      step,
    );
  }
  if (value instanceof Map) refuse('a Map', step);
  if (value instanceof Set) refuse('a Set', step);
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer)
    refuse('a byte array inside a value', step);
  if (value instanceof Number || value instanceof String || value instanceof Boolean)
    return copy(value.valueOf(), depth, step);
  const members: Record<string, unknown> = {};
  for (const key of Object.keys(value)) {
    const member = copy((value as Record<string, unknown>)[key], depth + 1, { key, up: step });
    if (member === undefined) continue;
    if (key === '__proto__')
      Object.defineProperty(members, key, {
        value: member,
        enumerable: true,
        configurable: true,
        writable: true,
      });
    else members[key] = member;
  }
  return members;
}

/** Text that is stored as it is: state that an app outside keeps in a form of its own. */
export class StoredText {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** JSON text of a value, by the rules above. `undefined` gives undefined. */
export function toJson(value: unknown): string | undefined {
  if (value === undefined) return undefined;
  if (isPlain(value, 0)) return JSON.stringify(value);
  return value instanceof StoredText ? value.text : JSON.stringify(copy(value, 0, undefined));
}

/** True for values that JSON.stringify renders by the rules above without help; false sends them the careful way. */
function isPlain(value: unknown, depth: number): boolean {
  switch (typeof value) {
    case 'string':
    case 'boolean':
    case 'undefined':
      return true;
    case 'number':
      return Number.isFinite(value);
    case 'object': {
      if (value === null) return true;
      if (depth > MAX_DEPTH) return false;
      if (Array.isArray(value)) {
        for (const item of value) if (!isPlain(item, depth + 1)) return false;
        return true;
      }
      const prototype: unknown = Object.getPrototypeOf(value);
      if (prototype !== Object.prototype && prototype !== null) return false;
      for (const key in value) {
        if (key === 'toJSON' || !isPlain((value as Record<string, unknown>)[key], depth + 1))
          return false;
      }
      return true;
    }
    default:
      return false;
  }
}

/** The bytes that a payload is on a wire. */
export function toBytes(payload: Payload): Uint8Array {
  if (payload instanceof Uint8Array) return payload;
  const { value } = payload;
  if (value === undefined) return new Uint8Array(0);
  if (value instanceof Uint8Array) return value;
  return encoder.encode(JSON.stringify(value));
}

/** The value that a method is given. Bytes that are not JSON text are refused with INVALID_ARGUMENT. */
export function toValue(payload: Payload): unknown {
  if (payload instanceof LocalValue) return payload.value;
  if (payload.byteLength === 0) return undefined;
  try {
    return JSON.parse(decoder.decode(payload));
  } catch (cause) {
    throw new TroupeError('INVALID_ARGUMENT', `the body is not JSON: ${(cause as Error).message}`, {
      cause,
    });
  }
}
