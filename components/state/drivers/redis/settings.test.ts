import { describe, expect, it } from 'vitest';
import type { ComponentMetadata } from '../../../component.ts';
import { testOptions } from '../../../test-clock.ts';
import { readSettings } from './settings.ts';

const read = (metadata: ComponentMetadata) => readSettings(testOptions('state.redis', metadata));

describe('the metadata of state.redis', () => {
  it('has the defaults of Dapr', () => {
    expect(read({ redisHost: 'localhost' })).toEqual({
      host: 'localhost',
      port: 6379,
      database: 0,
      dialTimeoutMs: 5_000,
      readTimeoutMs: 3_000,
      minRetryMs: 8,
      maxRetryMs: 512,
      actors: false,
    });
  });

  it.each([
    ['redis:7000', undefined, 'redis', 7000],
    ['redis', '7000', 'redis', 7000],
    ['redis:7000', '7000', 'redis', 7000],
    ['[::1]:7000', undefined, '::1', 7000],
  ])('reads the address %s with the port %s', (redisHost, redisPort, host, port) => {
    expect(read({ redisHost, ...(redisPort ? { redisPort } : {}) })).toMatchObject({ host, port });
  });

  it('takes a bare number for milliseconds, as Dapr does here', () => {
    const metadata = { redisHost: 'h', readTimeout: '250', dialTimeout: '2s' };
    expect(read(metadata)).toMatchObject({ readTimeoutMs: 250, dialTimeoutMs: 2_000 });
  });

  it('reads what TLS needs', () => {
    expect(read({ redisHost: 'h', enableTLS: 'true' }).tls).toEqual({ verify: true });
    expect(
      read({
        redisHost: 'h',
        enableTLS: 'true',
        insecureSkipTLSVerify: 'true',
        clientCert: 'c',
        clientKey: 'k',
      }).tls,
    ).toEqual({ verify: false, cert: 'c', key: 'k' });
  });

  it.each<[string, ComponentMetadata]>([
    ['redisHost', {}],
    ['redisHost', { redisHost: 'a:1,b:2' }],
    ['redisHost', { redisHost: 'redis://h:1' }],
    ['redisHost', { redisHost: 'h:70000' }],
    ['redisPort', { redisHost: 'h:1', redisPort: '2' }],
    ['redisType', { redisHost: 'h', redisType: 'cluster' }],
    ['redisType', { redisHost: 'h', redisType: 'nodes' }],
    ['failover', { redisHost: 'h', failover: 'true' }],
    ['redisDB', { redisHost: 'h', redisDB: '-1' }],
    ['readTimeout', { redisHost: 'h', readTimeout: '-1' }],
    ['readTimeout', { redisHost: 'h', readTimeout: 'soon' }],
    ['clientCert', { redisHost: 'h', clientCert: 'c', clientKey: 'k' }],
    ['clientKey', { redisHost: 'h', enableTLS: 'true', clientCert: 'c' }],
    ['ttlInSeconds', { redisHost: 'h', ttlInSeconds: '0' }],
    ['ttlInSeconds', { redisHost: 'h', ttlInSeconds: '60', actorStateStore: 'true' }],
  ])('refuses a wrong %s: %j', (field, metadata) => {
    expect(() => read(metadata)).toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT', details: { field } }),
    );
  });
});
