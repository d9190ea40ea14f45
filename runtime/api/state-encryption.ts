/**
 * Values of a state store in cipher, as daprd keeps them: AES-GCM with the
 * nonce in front, in base64, and behind `||` the name of the key. Reading takes
 * either of two keys, writing the first, so that keys can be changed.
 */
import { createCipheriv, createDecipheriv, randomBytes, type CipherGCMTypes } from 'node:crypto';
import type { StateValue } from '../../components/state/contract.ts';

export interface StateKey {
  /** Name of the secret that it comes from; kept beside each value. */
  readonly name: string;
  /** 16, 24 or 32 bytes in hexadecimal digits. */
  readonly hex: string;
}

export interface StateEncryption {
  encrypt(value: StateValue): Uint8Array;
  /** Throws for a value that was not written with one of the keys. */
  decrypt(value: StateValue): Uint8Array;
}

const NONCE = 12;
const TAG = 16;

interface Cipher {
  readonly name: string;
  readonly key: Buffer;
  readonly algorithm: CipherGCMTypes;
}

const SIZES: Readonly<Record<number, CipherGCMTypes>> = {
  16: 'aes-128-gcm',
  24: 'aes-192-gcm',
  32: 'aes-256-gcm',
};

function cipherOf({ name, hex }: StateKey): Cipher {
  const key = /^(?:[0-9a-f]{2})+$/i.test(hex) ? Buffer.from(hex, 'hex') : Buffer.alloc(0);
  const algorithm = SIZES[key.length];
  if (!algorithm)
    throw new Error('is not an AES key; write 16, 24 or 32 bytes in hexadecimal digits');
  return { name, key, algorithm };
}

/** What daprd encrypts of a JSON value: a text without its quotes, anything else as its JSON. */
function plainOf(value: StateValue): Uint8Array {
  if (typeof value !== 'string') return value;
  const text = value.startsWith('"') ? (JSON.parse(value) as string) : value;
  return Buffer.from(text);
}

/** Throws an Error whose message goes on from the name of the field. */
export function createStateEncryption(primary: StateKey, secondary?: StateKey): StateEncryption {
  const writing = cipherOf(primary);
  const reading = [writing, ...(secondary ? [cipherOf(secondary)] : [])];
  return {
    encrypt(value) {
      const nonce = randomBytes(NONCE);
      const cipher = createCipheriv(writing.algorithm, writing.key, nonce);
      const sealed = [cipher.update(plainOf(value)), cipher.final(), cipher.getAuthTag()];
      const text = Buffer.concat([nonce, ...sealed]).toString('base64');
      return Buffer.from(`${text}||${writing.name}`);
    },
    decrypt(value) {
      const text = typeof value === 'string' ? value : Buffer.from(value).toString();
      if (text === '') return new Uint8Array();
      const end = text.lastIndexOf('||');
      const name = end < 0 ? '' : text.slice(end + 2);
      const key = reading.find((one) => one.name === name);
      if (!key)
        throw new Error(
          name === ''
            ? 'the value is not encrypted: it names no encryption key'
            : `the value was encrypted with key "${name}", which this component does not have`,
        );
      const sealed = Buffer.from(text.slice(0, end), 'base64');
      try {
        const cipher = createDecipheriv(key.algorithm, key.key, sealed.subarray(0, NONCE), {
          authTagLength: TAG,
        });
        cipher.setAuthTag(sealed.subarray(-TAG));
        return Buffer.concat([cipher.update(sealed.subarray(NONCE, -TAG)), cipher.final()]);
      } catch (cause) {
        throw new Error(`the value cannot be decrypted with key "${name}"`, { cause });
      }
    },
  };
}
