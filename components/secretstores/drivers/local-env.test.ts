import { afterAll, describe, expect, it } from 'vitest';
import type { ComponentMetadata } from '../../component.ts';
import { testOptions } from '../../test-clock.ts';
import { secretStoreConformance } from '../conformance/suite.ts';
import { driver } from './local-env.ts';

const VARIABLES = {
  TROUPE_LOCAL_ENV_ONE: 'first',
  TROUPE_LOCAL_ENV_EMPTY: '',
  DAPR_API_TOKEN_TEST: 'hidden',
  APP_API_TOKEN: 'hidden',
};
const before = { ...process.env };
Object.assign(process.env, VARIABLES);
afterAll(() => {
  for (const name of Object.keys(VARIABLES)) {
    if (before[name] === undefined) delete process.env[name];
    else process.env[name] = before[name];
  }
});

const create = (metadata: ComponentMetadata = {}) =>
  driver.create(testOptions('secretstores.local.env', metadata), {
    signal: new AbortController().signal,
  });

secretStoreConformance({
  name: 'secretstores.local.env',
  create: () => create(),
  features: [],
  secrets: {
    TROUPE_LOCAL_ENV_ONE: { TROUPE_LOCAL_ENV_ONE: 'first' },
    TROUPE_LOCAL_ENV_EMPTY: { TROUPE_LOCAL_ENV_EMPTY: '' },
  },
});

describe('secretstores.local.env', () => {
  it('gives only what begins with the prefix, named without it', async () => {
    await using store = await create({ prefix: 'TROUPE_LOCAL_ENV_' });
    expect(await store.getSecret('ONE')).toEqual({ ONE: 'first' });
    expect(await store.getBulkSecrets()).toEqual({ ONE: { ONE: 'first' }, EMPTY: { EMPTY: '' } });
    await expect(store.getSecret('PATH')).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it("keeps the sidecar's own variables to itself", async () => {
    await using store = await create();
    const all = await store.getBulkSecrets();
    for (const name of ['DAPR_API_TOKEN_TEST', 'APP_API_TOKEN', 'app_api_token']) {
      expect(all).not.toHaveProperty(name);
      await expect(store.getSecret(name)).rejects.toMatchObject({ code: 'FORBIDDEN' });
    }
    await using prefixed = await create({ prefix: 'DAPR_' });
    expect(await prefixed.getBulkSecrets()).toEqual({});
    await expect(prefixed.getSecret('API_TOKEN_TEST')).rejects.toMatchObject({ code: 'FORBIDDEN' });
  });

  it('sees a variable as it is now', async () => {
    await using store = await create({ prefix: 'TROUPE_LOCAL_ENV_' });
    process.env['TROUPE_LOCAL_ENV_ONE'] = 'second';
    expect(await store.getSecret('ONE')).toEqual({ ONE: 'second' });
    process.env['TROUPE_LOCAL_ENV_ONE'] = 'first';
  });
});
