import { createCipheriv, randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { createStateEncryption } from './state-encryption.ts';

const key = (name: string, bytes = 32) => ({ name, hex: randomBytes(bytes).toString('hex') });
const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();

describe('encrypted state', () => {
  it.each([16, 24, 32])('comes back with a key of %i bytes', (bytes) => {
    const encryption = createStateEncryption(key('k', bytes));
    for (const [value, plain] of [
      ['{"a":1}', '{"a":1}'],
      ['"text"', 'text'],
      ['5', '5'],
      [Buffer.from('bytes'), 'bytes'],
      ['""', ''],
    ] as const)
      expect(text(encryption.decrypt(encryption.encrypt(value)))).toBe(plain);
  });

  it('is daprd’s: nonce and cipher text in base64, then the name of the key', () => {
    const one = key('my||key');
    const encryption = createStateEncryption({ ...one, name: 'mykey' });
    const [sealed, name] = text(encryption.encrypt('1')).split('||') as [string, string];
    expect(name).toBe('mykey');
    expect(Buffer.from(sealed, 'base64')).toHaveLength(12 + 1 + 16);
    const nonce = Buffer.alloc(12, 7);
    const cipher = createCipheriv('aes-256-gcm', Buffer.from(one.hex, 'hex'), nonce);
    const parts = [nonce, cipher.update('from daprd'), cipher.final(), cipher.getAuthTag()];
    const foreign = `${Buffer.concat(parts).toString('base64')}||mykey`;
    expect(text(encryption.decrypt(foreign))).toBe('from daprd');
  });

  it('is read with either key, and written with the first', () => {
    const [old, now] = [key('old'), key('new')];
    const written = createStateEncryption(old).encrypt('1');
    const rotated = createStateEncryption(now, old);
    expect(text(rotated.decrypt(written))).toBe('1');
    expect(text(rotated.encrypt('1'))).toMatch(/\|\|new$/);
    expect(() => createStateEncryption(now).decrypt(written)).toThrow(/key "old"/);
  });

  it('is refused when it was changed, or is none', () => {
    const encryption = createStateEncryption(key('k'));
    const sealed = text(encryption.encrypt('"secret"'));
    const changed = (sealed[20] === 'A' ? 'B' : 'A') + sealed.slice(21);
    expect(() => encryption.decrypt(sealed.slice(0, 20) + changed)).toThrow(/cannot be decrypted/);
    expect(() => encryption.decrypt('{"plain":1}')).toThrow(/names no encryption key/);
    expect(() => encryption.decrypt('||k')).toThrow(/cannot be decrypted/);
  });

  it.each(['', 'xyz', 'abcd', 'a'.repeat(63)])('takes no key like %j', (hex) => {
    expect(() => createStateEncryption({ name: 'k', hex })).toThrow(/16, 24 or 32 bytes/);
  });
});
