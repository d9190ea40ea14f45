import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, describe, expect, it } from 'vitest';
import { component, type ComponentSpec } from '../index.ts';
import { openApi } from './api.fixture.ts';

const folder = mkdtempSync(join(tmpdir(), 'troupe-encryption-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const secretsFile = join(folder, 'secrets.json');
const hex = (): string => randomBytes(16).toString('hex');
writeFileSync(secretsFile, JSON.stringify({ old: hex(), now: hex(), bad: 'no key' }));
const connectionString = join(folder, 'state.db');

function store(keys: Record<string, string>): ComponentSpec {
  const spec = component('safe', 'state.sqlite', { connectionString });
  const references = Object.entries(keys).map(([name, secret]) => ({
    name,
    secretKeyRef: { name: secret, key: secret },
  }));
  return { ...spec, metadata: [...spec.metadata, ...references], secretStore: 'vault' };
}

const open = (keys: Record<string, string>) =>
  openApi({
    components: [
      component('statestore', 'state.in-memory', { actorStateStore: 'true' }),
      component('vault', 'secretstores.local.file', { secretsFile }),
      store(keys),
    ],
  });

describe('a state store with an encryption key', () => {
  it('keeps what only its keys can read', async () => {
    {
      await using api = await open({ primaryEncryptionKey: 'old' });
      const body = [
        { key: 'a', value: 'plain text' },
        { key: 'b', value: { n: 1 } },
      ];
      expect((await api.send('POST', '/v1.0/state/safe', { body })).status).toBe(204);
      expect((await api.send('GET', '/v1.0/state/safe/a')).text).toBe('plain text');
    }
    const database = new DatabaseSync(connectionString, { readOnly: true });
    const kept = JSON.stringify(database.prepare('SELECT value FROM state').all());
    database.close();
    expect(kept).not.toContain('plain');

    await using api = await open({ primaryEncryptionKey: 'now', secondaryEncryptionKey: 'old' });
    expect((await api.send('GET', '/v1.0/state/safe/b')).json).toEqual({ n: 1 });
    const operations = [{ operation: 'upsert', request: { key: 'c', value: { n: 2 } } }];
    await api.send('POST', '/v1.0/state/safe/transaction', { body: { operations } });
    const bulk = await api.send('POST', '/v1.0/state/safe/bulk', {
      body: { keys: ['b', 'c', 'd'] },
    });
    expect(bulk.json).toMatchObject([
      { key: 'b', data: { n: 1 } },
      { key: 'c', data: { n: 2 } },
      { key: 'd' },
    ]);
    await using later = await open({ primaryEncryptionKey: 'now' });
    const lost = await later.send('GET', '/v1.0/state/safe/b');
    expect([lost.status, lost.text]).toEqual([500, expect.stringContaining('key \\"old\\"')]);
  });

  it('is refused with a bad key, without a first one, and with a key in the file itself', async () => {
    await expect(open({ primaryEncryptionKey: 'bad' })).rejects.toThrow(/is not an AES key/);
    await expect(open({ secondaryEncryptionKey: 'old' })).rejects.toThrow(
      /no primaryEncryptionKey/,
    );
    const inline = component('safe', 'state.in-memory', { primaryEncryptionKey: hex() });
    const state = component('statestore', 'state.in-memory', { actorStateStore: 'true' });
    await expect(openApi({ components: [state, inline] })).rejects.toThrow(
      /must be a secretKeyRef/,
    );
  });
});
