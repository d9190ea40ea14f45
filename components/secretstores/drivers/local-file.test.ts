import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { ComponentMetadata } from '../../component.ts';
import { testOptions } from '../../test-clock.ts';
import { secretStoreConformance } from '../conformance/suite.ts';
import { driver } from './local-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'troupe-secrets-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const SECRETS = {
  redisPassword: 'p4ss',
  connectionStrings: { sql: 'Server=sql', mysql: { primary: 'Server=my' } },
  list: ['a', { b: 'c' }],
  port: 6379,
  enabled: true,
  nothing: null,
};
const secretsFile = join(folder, 'secrets.json');
writeFileSync(secretsFile, JSON.stringify(SECRETS));
const multiFile = join(folder, 'multi.json');
writeFileSync(multiFile, JSON.stringify({ single: 's', db: { user: 'u', auth: { key: 'k' } } }));

const create = (metadata: ComponentMetadata, signal = new AbortController().signal) =>
  driver.create(testOptions('secretstores.local.file', metadata), { signal });

secretStoreConformance({
  name: 'secretstores.local.file',
  create: () => create({ secretsFile }),
  features: [],
  secrets: {
    redisPassword: { redisPassword: 'p4ss' },
    'connectionStrings:sql': { 'connectionStrings:sql': 'Server=sql' },
    'connectionStrings:mysql:primary': { 'connectionStrings:mysql:primary': 'Server=my' },
    'list:0': { 'list:0': 'a' },
    'list:1:b': { 'list:1:b': 'c' },
    port: { port: '6379' },
    enabled: { enabled: 'true' },
    nothing: { nothing: '' },
  },
});

secretStoreConformance({
  name: 'secretstores.local.file with multiValued',
  create: () => create({ secretsFile: multiFile, multiValued: 'true' }),
  features: ['MULTIPLE_KEY_VALUES_PER_SECRET'],
  secrets: { single: { single: 's' }, db: { user: 'u', 'auth:key': 'k' } },
});

describe('secretstores.local.file', () => {
  it('joins nested names by the separator given', async () => {
    await using store = await create({ secretsFile, nestedSeparator: '.' });
    expect(Object.keys(await store.getBulkSecrets())).toContain('connectionStrings.mysql.primary');
  });

  it('names a file that is not there or not JSON, without its content', async () => {
    await expect(create({ secretsFile: join(folder, 'no.json') })).rejects.toThrow(
      /no\.json" cannot be read \(ENOENT\)/,
    );
    const path = join(folder, 'broken.json');
    writeFileSync(path, '{"a": "top-secret"');
    const error = (await create({ secretsFile: path }).catch((caught: unknown) => caught)) as Error;
    expect(error.message).toMatch(/broken\.json" is not valid JSON/);
    expect(`${error.message} ${String(error.cause)}`).not.toContain('top-secret');
    writeFileSync(path, '["a"]');
    await expect(create({ secretsFile: path })).rejects.toThrow(/must hold one JSON object/);
  });

  it('refuses names that become the same once joined, and a list as a multi-valued secret', async () => {
    const path = join(folder, 'twice.json');
    writeFileSync(path, JSON.stringify({ 'a:b': '1', a: { b: '2' } }));
    await expect(create({ secretsFile: path })).rejects.toThrow(/has "a:b" twice/);
    writeFileSync(path, JSON.stringify({ a: ['1'] }));
    await expect(create({ secretsFile: path, multiValued: 'true' })).rejects.toThrow(
      /secret "a" must be a text or an object/,
    );
  });

  it('refuses to be created without a file, with a wrong boolean, or once cancelled', async () => {
    await expect(create({})).rejects.toThrow(/"secretsFile" is missing/);
    await expect(create({ secretsFile, multiValued: 'maybe' })).rejects.toThrow(/"multiValued"/);
    await expect(create({ secretsFile }, AbortSignal.abort())).rejects.toMatchObject({
      code: 'CANCELLED',
    });
  });
});
