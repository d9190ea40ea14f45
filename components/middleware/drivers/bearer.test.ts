import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestClock, testOptions } from '../../test-clock.ts';
import { middlewareConformance, through } from '../conformance/suite.ts';
import { driver } from './bearer.ts';

const type = 'middleware.http.bearer';
const audience = 'shop';
const clock = createTestClock();
const { signal } = new AbortController();
let server: Server;
let issuer: string;
let claimed: string;
const { privateKey, publicKey } = await generateKeyPair('RS256');
const foreign = await generateKeyPair('RS256');

beforeAll(async () => {
  const keys = [{ ...(await exportJWK(publicKey)), kid: 'one', alg: 'RS256' }];
  server = createServer(({ url }, response) => {
    if (url === '/keys') response.end(JSON.stringify({ keys }));
    else if (url === '/.well-known/openid-configuration')
      response.end(JSON.stringify({ issuer: claimed, jwks_uri: `${issuer}/keys` }));
    else response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  issuer = claimed = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

const open = (metadata: Record<string, string> = {}) =>
  driver.create(testOptions(type, { issuer, audience, ...metadata }, clock), { signal });

async function token({
  key = privateKey,
  expires = 600,
  to = audience,
  by = issuer,
}: { key?: typeof privateKey; expires?: number; to?: string; by?: string } = {}): Promise<string> {
  return new SignJWT({})
    .setProtectedHeader({ alg: 'RS256', kid: 'one' })
    .setIssuer(by)
    .setAudience(to)
    .setExpirationTime(Math.floor(clock.now() / 1000) + expires)
    .sign(key);
}

const headers = { authorization: '' };
beforeAll(async () => {
  headers.authorization = `Bearer ${await token()}`;
});
middlewareConformance({
  name: 'middleware.http.bearer',
  create: () => open(),
  allowed: { headers },
});

describe('a token', () => {
  it.each([
    ['of the issuer, for the audience', {}, 204],
    ['that is over for less than the skew', { expires: -200 }, 204],
    ['that is over for longer', { expires: -400 }, 401],
    ['for another audience', { to: 'other' }, 401],
    ['of another issuer', { by: 'http://other' }, 401],
    ['signed by another key', { key: foreign.privateKey }, 401],
  ])('%s: %#', async (_what, claims, status) => {
    await using bearer = await open();
    const authorization = `bearer ${await token(claims)}`;
    expect((await through(bearer, { headers: { authorization } })).answer.status).toBe(status);
  });

  it.each([undefined, 'Basic abcdefghijkl', 'Bearer short', 'Bearer no.token.atall'])(
    'is missing in %s: 401',
    async (authorization) => {
      await using bearer = await open();
      const { answer, passed } = await through(bearer, { headers: { authorization } });
      expect([answer.status, passed]).toEqual([401, undefined]);
    },
  );
});

describe('an issuer', () => {
  it('that calls itself something else is refused, unless the address of its keys is given', async () => {
    claimed = 'http://other';
    await expect(open()).rejects.toThrow(/another issuer/);
    await using bearer = await open({ jwksURL: `${issuer}/keys` });
    const authorization = `Bearer ${await token()}`;
    expect((await through(bearer, { headers: { authorization } })).answer.status).toBe(204);
    claimed = issuer;
  });

  it('whose keys cannot be read keeps the component from opening', async () => {
    await expect(open({ jwksURL: `${issuer}/none` })).rejects.toThrow(/answered 404/);
  });
});
