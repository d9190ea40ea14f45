/**
 * The scheme `dapr.io/enc/v1`: a document is a header of three lines (name of
 * the scheme, manifest in JSON, its HMAC) and segments of 64 KiB, each sealed
 * by itself under a key that a provider has wrapped. It streams both ways and
 * holds one segment at a time. By the description and code of dapr/kit.
 */
import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  hkdfSync,
  randomBytes,
  timingSafeEqual,
  type CipherChaCha20Poly1305Types,
  type CipherGCMTypes,
} from 'node:crypto';

const SCHEME = 'dapr.io/enc/v1';
const SEGMENT = 64 * 1024;
const TAG = 16;
const FILE_KEY = 32;
const NONCE_PREFIX = 7;
const LAST_SEGMENT = 2 ** 32 - 1;
const NEWLINE = 0x0a;

/** Key wrapping algorithms by their number in a manifest. */
const ALGORITHMS = ['A256KW', 'A128CBC-NOPAD', 'A192CBC-NOPAD', 'A256CBC-NOPAD', 'RSA-OAEP-256'];
const ALIASES: Readonly<Record<string, string>> = { AES: 'A256KW', RSA: 'RSA-OAEP-256' };
/** Ciphers of the data by their number in a manifest. */
const CIPHERS = ['AES-GCM', 'CHACHA20-POLY1305'];

export interface EncryptOptions {
  readonly keyName: string;
  /** As in Dapr, in any case: `A256KW` or `AES`, `RSA-OAEP-256` or `RSA`. */
  readonly algorithm: string;
  /** `aes-gcm` (default) or `chacha20-poly1305`. */
  readonly cipher?: string | undefined;
  /** Leaves the key's name out of the document. */
  readonly omitKeyName?: boolean;
  /** Name in the document. Default: `keyName`. */
  readonly decryptionKeyName?: string | undefined;
}

export interface DecryptOptions {
  /** Default: the name in the document. */
  readonly keyName?: string | undefined;
}

/** Wraps or unwraps the key of a document. */
export type KeyOperation = (request: {
  readonly keyName: string;
  readonly algorithm: string;
  readonly key: Uint8Array;
}) => Promise<Uint8Array>;

interface Keys {
  readonly header: Buffer;
  readonly payload: Buffer;
  readonly noncePrefix: Uint8Array;
  readonly cipher: string;
}

function keysOf(fileKey: Uint8Array, noncePrefix: Uint8Array, cipher: string): Keys {
  const derive = (salt: Uint8Array, info: string): Buffer =>
    Buffer.from(hkdfSync('sha256', fileKey, salt, info, FILE_KEY));
  const header = derive(new Uint8Array(), 'header');
  return { header, payload: derive(noncePrefix, 'payload'), noncePrefix, cipher };
}

function nonceOf({ noncePrefix }: Keys, segment: number, isLast: boolean): Buffer {
  const nonce = Buffer.alloc(12);
  nonce.set(noncePrefix);
  nonce.writeUInt32BE(segment, NONCE_PREFIX);
  nonce[11] = isLast ? 1 : 0;
  return nonce;
}

type Aead = CipherGCMTypes | CipherChaCha20Poly1305Types;
const aeadOf = (cipher: string): Aead =>
  cipher === 'AES-GCM' ? 'aes-256-gcm' : 'chacha20-poly1305';

type Transform = (keys: Keys, data: Buffer, segment: number, isLast: boolean) => Buffer;

const seal: Transform = (keys, data, segment, isLast) => {
  const nonce = nonceOf(keys, segment, isLast);
  const cipher = createCipheriv(aeadOf(keys.cipher) as CipherGCMTypes, keys.payload, nonce, {
    authTagLength: TAG,
  });
  return Buffer.concat([cipher.update(data), cipher.final(), cipher.getAuthTag()]);
};

const open: Transform = (keys, data, segment, isLast) => {
  try {
    const nonce = nonceOf(keys, segment, isLast);
    const cipher = createDecipheriv(aeadOf(keys.cipher) as CipherGCMTypes, keys.payload, nonce, {
      authTagLength: TAG,
    });
    cipher.setAuthTag(data.subarray(-TAG));
    return Buffer.concat([cipher.update(data.subarray(0, -TAG)), cipher.final()]);
  } catch (cause) {
    throw new Error(`error processing segment ${segment}: failed to decrypt segment`, { cause });
  }
};

/** Cuts a stream into segments; the last one is known by nothing following it. An empty stream has none. */
async function* segments(
  input: AsyncIterable<Uint8Array>,
  size: number,
  transform: (data: Buffer, segment: number, isLast: boolean) => Buffer,
): AsyncGenerator<Uint8Array> {
  let parts: Uint8Array[] = [];
  let length = 0;
  let segment = 0;
  for await (const chunk of input) {
    if (chunk.byteLength === 0) continue;
    parts.push(chunk);
    length += chunk.byteLength;
    if (length <= size) continue;
    let all = Buffer.concat(parts);
    for (; all.length > size; all = all.subarray(size)) {
      if (segment === LAST_SEGMENT) throw new Error('input stream is too large');
      yield transform(all.subarray(0, size), segment++, false);
    }
    parts = [all];
    length = all.length;
  }
  if (length > 0) yield transform(Buffer.concat(parts), segment, true);
}

function algorithmOf(written: string): string {
  const name = written.toUpperCase();
  const algorithm = ALIASES[name] ?? name;
  if (ALGORITHMS.includes(algorithm)) return algorithm;
  throw new Error(`option Algorithm is not valid: algorithm ${name} is not supported`);
}

function cipherOf(written: string | undefined): string {
  const cipher = (written || 'AES-GCM').toUpperCase();
  if (CIPHERS.includes(cipher)) return cipher;
  throw new Error(`option Cipher is not valid: cipher ${cipher} is not supported`);
}

const macOf = (keys: Keys, manifest: string | Uint8Array): Buffer =>
  createHmac('sha256', keys.header).update(`${SCHEME}\n`).update(manifest).update('\n').digest();

/** Resolves once the key is wrapped. Errors of the input come out of the stream. */
export async function encrypt(
  input: AsyncIterable<Uint8Array>,
  options: EncryptOptions,
  wrap: KeyOperation,
): Promise<AsyncIterable<Uint8Array>> {
  const { keyName } = options;
  const algorithm = algorithmOf(options.algorithm);
  const cipher = cipherOf(options.cipher);
  const fileKey = randomBytes(FILE_KEY);
  const keys = keysOf(fileKey, randomBytes(NONCE_PREFIX), cipher);
  let wrapped: Uint8Array;
  try {
    wrapped = await wrap({ keyName, algorithm, key: fileKey });
  } catch (cause) {
    throw new Error(`failed to wrap the file key: ${(cause as Error).message}`, { cause });
  }
  const shown = options.omitKeyName ? '' : options.decryptionKeyName || keyName;
  const manifest = JSON.stringify({
    ...(shown === '' ? {} : { k: shown }),
    kw: ALGORITHMS.indexOf(algorithm) + 1,
    wfk: Buffer.from(wrapped).toString('base64'),
    cph: CIPHERS.indexOf(cipher) + 1,
    np: Buffer.from(keys.noncePrefix).toString('base64'),
  });
  const mac = macOf(keys, manifest).toString('base64');
  const header = Buffer.from(`${SCHEME}\n${manifest}\n${mac}\n`);
  if (header.length > SEGMENT) throw new Error('failed to sign header: header is too long');
  return (async function* document() {
    yield header;
    yield* segments(input, SEGMENT, (data, segment, isLast) => seal(keys, data, segment, isLast));
  })();
}

interface Header {
  readonly manifest: Buffer;
  readonly mac: Buffer;
  readonly rest: AsyncIterable<Uint8Array>;
}

async function readHeader(input: AsyncIterable<Uint8Array>): Promise<Header> {
  const iterator = input[Symbol.asyncIterator]();
  let head = Buffer.alloc(0);
  const lines: Buffer[] = [];
  let from = 0;
  while (lines.length < 3) {
    const end = head.indexOf(NEWLINE, from);
    if (end < 0) {
      if (head.length >= SEGMENT) throw new Error('invalid header: it is too long');
      const next = await iterator.next();
      if (next.done) break;
      head = Buffer.concat([head, next.value]);
      continue;
    }
    const line = head.subarray(from, end);
    if (lines.length === 0 && line.toString() !== SCHEME)
      throw new Error('invalid header: unsupported scheme');
    lines.push(line);
    from = end + 1;
  }
  const [scheme, manifest, mac] = lines;
  if (!scheme) throw new Error('invalid header: scheme name not found');
  if (!manifest?.length) throw new Error('invalid header: manifest not found');
  if (!mac?.length) throw new Error('invalid header: message authentication code not found');
  const extra = head.subarray(from);
  const rest = (async function* remaining() {
    yield extra;
    for (let next = await iterator.next(); !next.done; next = await iterator.next())
      yield next.value;
  })();
  return { manifest, mac, rest };
}

interface Manifest {
  readonly keyName: string;
  readonly algorithm: string;
  readonly wrapped: Buffer;
  readonly cipher: string;
  readonly noncePrefix: Buffer;
}

/** Says nothing of what is wrong, as the document is not trusted. */
function readManifest(bytes: Buffer): Manifest {
  const invalid = new Error('invalid header: invalid manifest');
  let parsed: Readonly<Record<string, unknown>>;
  try {
    parsed = JSON.parse(bytes.toString()) as typeof parsed;
  } catch {
    throw invalid;
  }
  const { k = '', kw, wfk, cph, np } = parsed ?? {};
  const algorithm = ALGORITHMS[Number(kw) - 1];
  const cipher = CIPHERS[Number(cph) - 1];
  if (typeof k !== 'string' || typeof wfk !== 'string' || typeof np !== 'string') throw invalid;
  const wrapped = Buffer.from(wfk, 'base64');
  const noncePrefix = Buffer.from(np, 'base64');
  if (!algorithm || !cipher || wrapped.length === 0 || noncePrefix.length !== NONCE_PREFIX)
    throw invalid;
  return { keyName: k, algorithm, wrapped, cipher, noncePrefix };
}

/** Resolves once the header has proved to be genuine. Errors of segments come out of the stream. */
export async function decrypt(
  input: AsyncIterable<Uint8Array>,
  { keyName: given }: DecryptOptions,
  unwrap: KeyOperation,
): Promise<AsyncIterable<Uint8Array>> {
  const { manifest: bytes, mac, rest } = await readHeader(input);
  const { keyName: named, algorithm, wrapped, cipher, noncePrefix } = readManifest(bytes);
  const keyName = given || named;
  if (keyName === '') {
    throw new Error(
      "document's manifest does not contain a key name, and no key name was provided",
    );
  }
  // A key that cannot be had looks like a wrong one: the answer must not tell which keys there are.
  let fileKey = await unwrap({ keyName, algorithm, key: wrapped }).catch(() => undefined);
  if (fileKey?.byteLength !== FILE_KEY) fileKey = new Uint8Array(FILE_KEY);
  const keys = keysOf(fileKey, noncePrefix, cipher);
  const said = Buffer.from(mac.toString('latin1'), 'base64');
  const expected = macOf(keys, bytes);
  if (said.length !== expected.length || !timingSafeEqual(said, expected))
    throw new Error("failed to validate the document's signature");
  return segments(rest, SEGMENT + TAG, (data, segment, isLast) =>
    open(keys, data, segment, isLast),
  );
}
