import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { component } from '../index.ts';
import { openApi } from './api.fixture.ts';

const folder = mkdtempSync(join(tmpdir(), 'troupe-secrets-'));
const secretsFile = join(folder, 'secrets.json');
writeFileSync(secretsFile, JSON.stringify({ db: 'p4ss', 'api/key': 'k', mail: { user: 'u' } }));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const components = [
  component('statestore', 'state.in-memory', { actorStateStore: 'true' }),
  component('vault', 'secretstores.local.file', { secretsFile }),
  component('other', 'secretstores.local.file', { secretsFile }),
];

describe('secrets over HTTP', () => {
  it('come one by one, and all at once', async () => {
    await using api = await openApi({ components });
    const one = await api.send('GET', '/v1.0/secrets/vault/db');
    expect([one.status, one.json]).toEqual([200, { db: 'p4ss' }]);
    const escaped = await api.send('GET', '/v1.0/secrets/vault/api%2Fkey');
    expect(escaped.json).toEqual({ 'api/key': 'k' });
    const all = await api.send('GET', '/v1.0/secrets/vault/bulk');
    expect([all.status, all.json]).toEqual([
      200,
      { db: { db: 'p4ss' }, 'api/key': { 'api/key': 'k' }, 'mail:user': { 'mail:user': 'u' } },
    ]);
  });

  it('say which store or secret there is not', async () => {
    await using api = await openApi({ components });
    const store = await api.send('GET', '/v1.0/secrets/none/db');
    expect([store.status, store.json]).toEqual([
      401,
      {
        errorCode: 'ERR_SECRET_STORE_NOT_FOUND',
        message: 'failed finding secret store with key none',
      },
    ]);
    const secret = await api.send('GET', '/v1.0/secrets/vault/none');
    expect([secret.status, secret.json]).toMatchObject([500, { errorCode: 'ERR_SECRET_GET' }]);
    expect(secret.text).toContain('failed getting secret with key none from secret store vault: ');
  });

  it('are an error of their own when there is no store at all', async () => {
    await using api = await openApi();
    for (const path of ['vault/db', 'vault/bulk']) {
      const answer = await api.send('GET', `/v1.0/secrets/${path}`);
      expect([answer.status, answer.json]).toEqual([
        500,
        {
          errorCode: 'ERR_SECRET_STORES_NOT_CONFIGURED',
          message: 'secret store is not configured',
        },
      ]);
    }
  });

  it.each([
    [{ defaultAccess: 'deny' }, []],
    [{ defaultAccess: 'Deny', allowedSecrets: ['db'] }, ['db']],
    [{ allowedSecrets: ['db'], deniedSecrets: ['db'] }, ['db']],
    [{ deniedSecrets: ['db'] }, ['api/key', 'mail:user']],
    [{ defaultAccess: 'allow' }, ['db', 'api/key', 'mail:user']],
  ])('within the scope %j are %j', async (scope, allowed) => {
    await using api = await openApi({
      components,
      secretScopes: [{ storeName: 'vault', ...scope }],
    });
    const all = await api.send('GET', '/v1.0/secrets/vault/bulk');
    expect(Object.keys(all.json)).toEqual(allowed);
    const one = await api.send('GET', '/v1.0/secrets/vault/db');
    expect(one.status).toBe((allowed as string[]).includes('db') ? 200 : 403);
    if (one.status === 403) {
      expect(one.json).toEqual({
        errorCode: 'ERR_PERMISSION_DENIED',
        message: 'access denied by policy to get "db" from "vault"',
      });
      expect(one.text).not.toContain('p4ss');
    }
    expect((await api.send('GET', '/v1.0/secrets/other/db')).status).toBe(200);
  });
});
