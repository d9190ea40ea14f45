import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { component } from '../index.ts';
import { openApi, type ApiFixture } from './api.fixture.ts';

const path = mkdtempSync(join(tmpdir(), 'troupe-crypto-'));
afterAll(() => rmSync(path, { recursive: true, force: true }));
writeFileSync(join(path, 'aes'), randomBytes(32).toString('base64'));
const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
writeFileSync(join(path, 'rsa.pem'), privateKey.export({ type: 'pkcs8', format: 'pem' }));

const components = [
  component('statestore', 'state.in-memory', { actorStateStore: 'true' }),
  component('keys', 'crypto.dapr.localstorage', { path }),
];
const base = '/v1.0-alpha1/crypto/keys';

async function put(api: ApiFixture, route: string, body: Uint8Array, headers = {}) {
  const response = await fetch(`${api.base}${base}/${route}`, {
    method: 'PUT',
    body,
    headers,
  } as RequestInit);
  return { response, bytes: Buffer.from(await response.arrayBuffer()) };
}

describe('cryptography over HTTP', () => {
  it.each([
    ['aes', 'AES', 'aes-gcm'],
    ['aes', 'a256kw', 'chacha20-poly1305'],
    ['rsa.pem', 'RSA', 'aes-gcm'],
  ])('encrypts with %s by %s and %s, and decrypts again', async (key, algorithm, cipher) => {
    await using api = await openApi({ components });
    const plain = randomBytes(200_000);
    const sealed = await put(api, 'encrypt', plain, {
      'dapr-key-name': key,
      'dapr-key-wrap-algorithm': algorithm,
      'dapr-data-encryption-cipher': cipher,
    });
    expect(sealed.response.status).toBe(200);
    expect(sealed.response.headers.get('content-type')).toBe('application/octet-stream');
    expect(sealed.bytes.subarray(0, 15).toString()).toBe('dapr.io/enc/v1\n');
    const opened = await put(api, 'decrypt', sealed.bytes);
    expect(opened.response.status).toBe(200);
    expect(opened.bytes.equals(plain)).toBe(true);

    sealed.bytes[sealed.bytes.length - 1]! ^= 1;
    const broken = await put(api, 'decrypt', sealed.bytes);
    expect([broken.response.status, JSON.parse(broken.bytes.toString())]).toMatchObject([
      500,
      { errorCode: 'ERR_CRYPTO' },
    ]);
  });

  it('leaves the name of the key out when told so', async () => {
    await using api = await openApi({ components });
    const sealed = await put(api, 'encrypt', Buffer.from('hello'), {
      'dapr-key-name': 'aes',
      'dapr-key-wrap-algorithm': 'AES',
      'dapr-omit-decryption-key-name': 'true',
    });
    expect((await put(api, 'decrypt', sealed.bytes)).response.status).toBe(500);
    const opened = await put(api, 'decrypt', sealed.bytes, { 'dapr-key-name': 'aes' });
    expect(opened.bytes.toString()).toBe('hello');
  });

  it.each([
    ['keys', {}, 400, 'ERR_BAD_REQUEST', "invalid request: missing header 'dapr-key-name'"],
    ['keys', { 'dapr-key-name': 'aes' }, 400, 'ERR_BAD_REQUEST', 'dapr-key-wrap-algorithm'],
    [
      'keys',
      { 'dapr-key-name': 'aes', 'dapr-key-wrap-algorithm': 'x' },
      500,
      'ERR_CRYPTO',
      'failed to perform operation: option Algorithm is not valid',
    ],
    [
      'keys',
      { 'dapr-key-name': 'none', 'dapr-key-wrap-algorithm': 'AES' },
      500,
      'ERR_CRYPTO',
      'failed to wrap the file key',
    ],
    ['none', {}, 400, 'ERR_CRYPTO_PROVIDER_NOT_FOUND', 'crypto provider none not found'],
  ])('of %s with %j is answered %i', async (name, headers, status, errorCode, message) => {
    await using api = await openApi({ components });
    const answer = await api.send('PUT', `/v1.0-alpha1/crypto/${name}/encrypt`, {
      body: 'x',
      headers,
    });
    expect([answer.status, answer.json]).toMatchObject([status, { errorCode }]);
    expect((answer.json as { message: string }).message).toContain(message);
  });

  it('says when there is no provider, and that subtle operations are left out', async () => {
    await using api = await openApi();
    const none = await api.send('PUT', `${base}/decrypt`, { body: 'x' });
    expect([none.status, none.json]).toMatchObject([
      500,
      { errorCode: 'ERR_CRYPTO_PROVIDERS_NOT_CONFIGURED' },
    ]);
    for (const operation of [
      'getkey',
      'encrypt',
      'decrypt',
      'wrapkey',
      'unwrapkey',
      'sign',
      'verify',
    ]) {
      const answer = await api.send('POST', `/v1.0-alpha1/subtlecrypto/keys/${operation}`);
      expect([answer.status, answer.json]).toMatchObject([
        501,
        { errorCode: 'ERR_API_UNIMPLEMENTED' },
      ]);
    }
  });
});
