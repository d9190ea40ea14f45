import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { testOptions } from '../../test-clock.ts';
import { cryptoConformance } from '../conformance/suite.ts';
import { driver } from './localstorage.ts';

const folder = mkdtempSync(join(tmpdir(), 'troupe-keys-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const secret = randomBytes(32);
const files: Record<string, string | Buffer> = {
  'rsa.pem': rsa.privateKey.export({ type: 'pkcs8', format: 'pem' }),
  'public.pem': rsa.publicKey.export({ type: 'spki', format: 'pem' }),
  'rsa.json': JSON.stringify(rsa.privateKey.export({ format: 'jwk' })),
  raw: Buffer.concat([Buffer.from([0]), secret.subarray(1)]),
  base64: `${secret.toString('base64')}\n`,
  'oct.json': JSON.stringify({ kty: 'oct', k: secret.toString('base64url') }),
  'wrap-only.json': JSON.stringify({
    kty: 'oct',
    k: secret.toString('base64url'),
    key_ops: ['wrapKey'],
  }),
  'other.json': JSON.stringify({ kty: 'oct', k: secret.toString('base64url'), alg: 'A128KW' }),
  short: randomBytes(16).toString('base64'),
  'broken.json': '{"kty": "oct", "k": top-secret',
};
for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);

const create = (path = folder) =>
  driver.create(testOptions('crypto.dapr.localstorage', { path }), {
    signal: new AbortController().signal,
  });

cryptoConformance({
  name: 'crypto.dapr.localstorage',
  create,
  keys: [
    ['rsa.pem', 'RSA-OAEP-256'],
    ['rsa.json', 'RSA-OAEP-256'],
    ['raw', 'A256KW'],
    ['base64', 'A256KW'],
    ['oct.json', 'A256KW'],
  ],
});

describe('the keys of crypto.dapr.localstorage', () => {
  it('are the same in each way of writing them', async () => {
    await using provider = await create();
    const request = { algorithm: 'A256KW', key: randomBytes(32) };
    const wrapped = await provider.wrapKey({ ...request, keyName: 'base64' });
    const unwrapped = await provider.unwrapKey({ ...request, keyName: 'oct.json', key: wrapped });
    expect(Buffer.from(unwrapped).equals(request.key)).toBe(true);
  });

  it('wrap as RFC 3394 says', async () => {
    writeFileSync(
      join(folder, 'rfc'),
      Buffer.from('000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F', 'hex'),
    );
    await using provider = await create();
    const key = Buffer.from(
      '00112233445566778899AABBCCDDEEFF000102030405060708090A0B0C0D0E0F',
      'hex',
    );
    const wrapped = await provider.wrapKey({ keyName: 'rfc', algorithm: 'A256KW', key });
    expect(Buffer.from(wrapped).toString('hex').toUpperCase()).toBe(
      '28C9F404C4B810F4CBCCB35CFB87F8263F5786E2D80ED326CBC7F0E71A99F43BFB988B9B7A02DD21',
    );
  });

  it.each([
    ['short', 'A256KW', 'wrapKey', /32 bytes/],
    ['rsa.pem', 'A256KW', 'wrapKey', /symmetric key/],
    ['base64', 'RSA-OAEP-256', 'wrapKey', /needs an RSA key/],
    ['public.pem', 'RSA-OAEP-256', 'unwrapKey', /can unwrapKey/],
    ['wrap-only.json', 'A256KW', 'unwrapKey', /cannot perform the 'unwrapKey'/],
    ['other.json', 'A256KW', 'wrapKey', /cannot be used with A256KW/],
    ['base64', 'A256CBC-NOPAD', 'wrapKey', /A256CBC-NOPAD is not supported/],
    ['../keys', 'A256KW', 'wrapKey', /invalid key path/],
    ['broken.json', 'A256KW', 'wrapKey', /neither JWK/],
  ] as const)('%s cannot do %s for %s', async (keyName, algorithm, use, why) => {
    await using provider = await create();
    const asking = provider[use]({ keyName, algorithm, key: randomBytes(32) });
    await expect(asking).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    await expect(asking).rejects.toThrow(why);
    await expect(asking).rejects.not.toThrow(/top-secret/);
  });

  it('are in a folder that is there', async () => {
    await expect(create(join(folder, 'none'))).rejects.toThrow(/"path" is not a folder/);
    await expect(create(join(folder, 'raw'))).rejects.toThrow(/"path" is not a folder/);
  });
});
