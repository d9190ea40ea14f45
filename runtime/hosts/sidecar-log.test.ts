import { describe, expect, it } from 'vitest';
import { createSidecarLog, type SidecarLogOptions } from './sidecar-log.ts';

function open(options: Pick<SidecarLogOptions, 'level' | 'asJson'>) {
  const lines: string[] = [];
  const log = createSidecarLog({
    appId: 'shop',
    instance: 'machine',
    version: '1.18.2',
    write: (line) => lines.push(line),
    now: () => 0,
    ...options,
  });
  return { log, lines };
}

const FIELDS = { code: 204, cached: true, method: 'GET /v1.0/state', useragent: undefined };

describe('a line', () => {
  it('is as logrus writes it, its fields sorted', () => {
    const { log, lines } = open({ level: 'info', asJson: false });
    log.warn(FIELDS, 'say "so"');
    expect(lines).toEqual([
      'time="1970-01-01T00:00:00.000Z" level=warning msg="say \\"so\\"" app_id=shop cached=true' +
        ' code=204 instance=machine method="GET /v1.0/state" scope=dapr.runtime type=log ver=1.18.2\n',
    ]);
  });

  it('has numbers and truth as such in JSON', () => {
    const { log, lines } = open({ level: 'info', asJson: true });
    log.info({ ...FIELDS, err: new Error('gone') }, 'said');
    expect(lines.map((line) => JSON.parse(line) as object)).toEqual([
      {
        app_id: 'shop',
        cached: true,
        code: 204,
        error: 'gone',
        instance: 'machine',
        level: 'info',
        method: 'GET /v1.0/state',
        msg: 'said',
        scope: 'dapr.runtime',
        time: '1970-01-01T00:00:00.000Z',
        type: 'log',
        ver: '1.18.2',
      },
    ]);
  });
});

it('leaves out what is below its level, unless a scope has one of its own', () => {
  const { log, lines } = open({ level: 'error', asJson: false });
  log.warn({}, 'a');
  log.scoped('other').warn({}, 'b');
  log.scoped('requests', 'info').info({}, 'c');
  log.scoped('requests', 'info').debug({}, 'd');
  log.scoped('requests', 'info').scoped('other').info({}, 'e');
  log.error({}, 'f');
  expect(lines.map((line) => /msg=(\w)/.exec(line)?.[1])).toEqual(['c', 'f']);
});
