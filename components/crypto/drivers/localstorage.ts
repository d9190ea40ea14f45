/**
 * `crypto.dapr.localstorage`: keys from the files of one folder, named by the
 * file. A key is a JWK (`.json`), PEM text (`.pem`), or the bytes of a
 * symmetric key, in base64 or as they are; it is read at each use.
 */
import {
  constants,
  createCipheriv,
  createDecipheriv,
  createPrivateKey,
  createPublicKey,
  createSecretKey,
  privateDecrypt,
  publicEncrypt,
  type JsonWebKey,
  type KeyObject,
} from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { extname, join, normalize } from 'node:path';
import { ComponentError } from '../../../runtime/core/errors.ts';
import type { ComponentOptions, Driver, MetadataField } from '../../component.ts';
import { readMetadata } from '../../metadata.ts';
import type { CryptoProvider, KeyRequest } from '../contract.ts';

const fields: readonly MetadataField[] = [
  { name: 'path', required: true, description: 'Folder of the keys; a key is named by its file.' },
];

/** The initial value of AES key wrap, RFC 3394. */
const WRAP_IV = Buffer.alloc(8, 0xa6);
const WRAPS: Readonly<Record<string, { bytes: number; cipher: string }>> = {
  A128KW: { bytes: 16, cipher: 'id-aes128-wrap' },
  A192KW: { bytes: 24, cipher: 'id-aes192-wrap' },
  A256KW: { bytes: 32, cipher: 'id-aes256-wrap' },
};

type Use = 'wrapKey' | 'unwrapKey';

interface Key {
  readonly key: KeyObject;
  /** What a JWK says of itself. */
  readonly uses?: readonly string[];
  readonly algorithm?: string;
}

type Jwk = JsonWebKey & { readonly key_ops?: readonly string[]; readonly alg?: string };

function parseJwk(text: string): Key {
  const jwk = JSON.parse(text) as Jwk;
  const about = {
    ...(jwk.key_ops ? { uses: jwk.key_ops } : {}),
    ...(jwk.alg === undefined ? {} : { algorithm: jwk.alg }),
  };
  if (jwk.kty === 'oct') return { key: createSecretKey(jwk.k ?? '', 'base64url'), ...about };
  const source = { key: jwk, format: 'jwk' as const };
  return {
    key: jwk.d === undefined ? createPublicKey(source) : createPrivateKey(source),
    ...about,
  };
}

function parsePem(text: string): Key {
  return { key: text.includes('PRIVATE KEY') ? createPrivateKey(text) : createPublicKey(text) };
}

/** Base64 of either alphabet, with or without padding, when it is that; else the bytes. */
function parseSymmetric(bytes: Buffer): Key {
  const text = bytes.toString('latin1').replace(/[\n=]+$/, '');
  const isBase64 = /^(?:[A-Za-z0-9+/]+|[A-Za-z0-9_-]+)$/.test(text) && text.length % 4 !== 1;
  return { key: createSecretKey(isBase64 ? Buffer.from(text, 'base64') : bytes) };
}

function parseKey(bytes: Buffer, extension: string): Key {
  if (bytes.length === 0) throw new Error('the key is empty');
  const text = bytes.toString();
  const isRaw = [16, 24, 32].includes(bytes.length);
  if (extension === '.json' || (text.startsWith('{') && !isRaw && extension !== '.pem'))
    return parseJwk(text);
  if (extension === '.pem' || text.startsWith('-----')) return parsePem(text);
  return parseSymmetric(bytes);
}

export const driver: Driver<CryptoProvider> = {
  fields,
  async create(options: ComponentOptions, { signal }) {
    if (signal.aborted)
      throw new ComponentError(options, 'was not created: cancelled', { code: 'CANCELLED' });
    const metadata = readMetadata(options, fields);
    const written = metadata.text('path');
    if (written === undefined) throw metadata.refuse('path', 'is missing; name a folder');
    const folder = normalize(written);
    const found = await stat(folder).catch(() => undefined);
    if (!found?.isDirectory()) throw metadata.refuse('path', 'is not a folder that can be read');
    let closed = false;

    function requireOpen(): void {
      if (closed) throw new ComponentError(options, 'is closed; create it again to use it');
    }

    const refuse = (code: 'INVALID_ARGUMENT' | 'NOT_FOUND', why: string, cause?: unknown) =>
      new ComponentError(options, why, { code, ...(cause === undefined ? {} : { cause }) });

    async function load({ keyName, algorithm }: KeyRequest, use: Use): Promise<KeyObject> {
      if (keyName === '' || keyName.includes('..') || keyName.includes('\0'))
        throw refuse('INVALID_ARGUMENT', `invalid key path: "${keyName}" cannot name a key`);
      let bytes: Buffer;
      try {
        bytes = await readFile(join(folder, keyName));
      } catch (cause) {
        const code = (cause as NodeJS.ErrnoException).code;
        throw refuse('NOT_FOUND', `failed to load key "${keyName}": ${code}`, cause);
      }
      let key: Key;
      try {
        key = parseKey(bytes, extname(keyName).toLowerCase());
      } catch {
        // The parser's message may quote the key.
        throw refuse('INVALID_ARGUMENT', `key "${keyName}" is neither JWK, PEM nor symmetric key`);
      }
      if (key.uses && !key.uses.includes(use))
        throw refuse('INVALID_ARGUMENT', `key "${keyName}" cannot perform the '${use}' operation`);
      if (key.algorithm !== undefined && key.algorithm !== algorithm)
        throw refuse('INVALID_ARGUMENT', `key "${keyName}" cannot be used with ${algorithm}`);
      return key.key;
    }

    function wrapOf(algorithm: string, key: KeyObject): string {
      const wrap = WRAPS[algorithm];
      if (!wrap)
        throw refuse(
          'INVALID_ARGUMENT',
          `algorithm ${algorithm} is not supported for wrapping keys; use A256KW or RSA-OAEP-256`,
        );
      if (key.type !== 'secret' || key.symmetricKeySize !== wrap.bytes)
        throw refuse(
          'INVALID_ARGUMENT',
          `${algorithm} needs a symmetric key of ${wrap.bytes} bytes`,
        );
      return wrap.cipher;
    }

    function oaepOf(algorithm: string, key: KeyObject, use: Use) {
      const hash = { 'RSA-OAEP': 'sha1', 'RSA-OAEP-256': 'sha256' }[algorithm];
      if (hash === undefined) return undefined;
      if (key.asymmetricKeyType !== 'rsa' || (use === 'unwrapKey' && key.type !== 'private'))
        throw refuse('INVALID_ARGUMENT', `${algorithm} needs an RSA key that can ${use}`);
      return { key, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: hash };
    }

    async function close(): Promise<void> {
      closed = true;
    }

    return {
      features: [],
      async wrapKey(request) {
        requireOpen();
        const key = await load(request, 'wrapKey');
        const oaep = oaepOf(request.algorithm, key, 'wrapKey');
        if (oaep) return publicEncrypt(oaep, request.key);
        const cipher = createCipheriv(wrapOf(request.algorithm, key), key, WRAP_IV);
        return Buffer.concat([cipher.update(request.key), cipher.final()]);
      },
      async unwrapKey(request) {
        requireOpen();
        const key = await load(request, 'unwrapKey');
        try {
          const oaep = oaepOf(request.algorithm, key, 'unwrapKey');
          if (oaep) return privateDecrypt(oaep, request.key);
          const cipher = createDecipheriv(wrapOf(request.algorithm, key), key, WRAP_IV);
          return Buffer.concat([cipher.update(request.key), cipher.final()]);
        } catch (cause) {
          if (cause instanceof ComponentError) throw cause;
          throw refuse('INVALID_ARGUMENT', `the wrapped key does not fit "${request.keyName}"`);
        }
      },
      async ping() {
        requireOpen();
        await stat(folder);
      },
      close,
      [Symbol.asyncDispose]: close,
    };
  },
};
