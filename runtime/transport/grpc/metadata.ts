/** Metadata of a call: HTTP/2 headers without those of the protocol, and the texts that gRPC puts into headers. */
import type { IncomingHttpHeaders } from 'node:http2';

/** Names in lower case. Values of `-bin` names are base64, as on the wire. */
export type Metadata = Readonly<Record<string, string | readonly string[]>>;

const OWN = new Set(['te', 'content-type', 'host', 'connection', 'keep-alive', 'trailer']);

/** True for a header that belongs to the transport and not to the caller. */
function isTransport(name: string): boolean {
  return name.startsWith(':') || name.startsWith('grpc-') || OWN.has(name);
}

/** What the caller sent, without the headers of the transport; `user-agent` stays. */
export function metadataOf(headers: IncomingHttpHeaders): Record<string, string | string[]> {
  const metadata: Record<string, string | string[]> = {};
  for (const name of Object.keys(headers)) {
    const value = headers[name];
    if (value === undefined || (isTransport(name) && name !== 'grpc-trace-bin')) continue;
    metadata[name] = value;
  }
  return metadata;
}

export function firstOf(value: string | readonly string[] | undefined): string | undefined {
  return typeof value === 'string' || value === undefined ? value : value[0];
}

/** Bytes of a `-bin` value; the first of several. Padding may be missing. */
export function binaryOf(value: string | readonly string[] | undefined): Uint8Array | undefined {
  const text = firstOf(value)?.split(',')[0];
  return text === undefined ? undefined : Buffer.from(text, 'base64');
}

const UNITS: Readonly<Record<string, number>> = {
  H: 3_600_000,
  M: 60_000,
  S: 1000,
  m: 1,
  u: 1e-3,
  n: 1e-6,
};

/** Milliseconds of a `grpc-timeout`; undefined when it is none. */
export function timeoutMs(text: string): number | undefined {
  const match = /^(\d{1,8})([HMSmun])$/.exec(text);
  return match ? Number(match[1]) * UNITS[match[2]!]! : undefined;
}

/** `grpc-timeout` for what is left of a call; at least one millisecond. */
export function timeoutText(ms: number): string {
  const whole = Math.max(1, Math.floor(ms));
  return whole <= 99_999_999 ? `${whole}m` : `${Math.min(99_999_999, Math.floor(whole / 1000))}S`;
}

/** A status message as the protocol wants it: ASCII, the rest in percent escapes of UTF-8. */
export function encodeMessage(text: string): string {
  if (/^[\x20-\x24\x26-\x7e]*$/.test(text)) return text;
  let out = '';
  for (const byte of Buffer.from(text)) {
    out +=
      byte < 0x20 || byte > 0x7e || byte === 0x25
        ? `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
        : String.fromCharCode(byte);
  }
  return out;
}

export function decodeMessage(text: string): string {
  if (!text.includes('%')) return text;
  const bytes: number[] = [];
  for (let at = 0; at < text.length; at++) {
    const hex = text[at] === '%' ? text.slice(at + 1, at + 3) : '';
    if (/^[\dA-Fa-f]{2}$/.test(hex)) {
      bytes.push(Number.parseInt(hex, 16));
      at += 2;
    } else bytes.push(text.charCodeAt(at) & 0xff);
  }
  return Buffer.from(bytes).toString();
}

/** Texts of headers as they may be sent: a value that HTTP/2 would refuse is left out. */
export function sendable(metadata: Metadata): Record<string, string | string[]> {
  const headers: Record<string, string | string[]> = {};
  for (const [name, value] of Object.entries(metadata)) {
    if (isTransport(name) && name !== 'grpc-trace-bin') continue;
    if (!/^[0-9a-z_.-]+$/.test(name)) continue;
    const values = (typeof value === 'string' ? [value] : value).filter((one) =>
      /^[\x20-\x7e]*$/.test(one),
    );
    if (values.length === 1) headers[name] = values[0]!;
    else if (values.length > 1) headers[name] = values;
  }
  return headers;
}
