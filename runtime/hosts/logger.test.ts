import { expect, it } from 'vitest';
import { TroupeError } from '../core/errors.ts';
import { createLogger } from './logger.ts';
import type { LoggerOptions } from './logger.ts';

function collect(options: LoggerOptions = {}) {
  const lines: Record<string, unknown>[] = [];
  const destination = {
    write: (line: string) => void lines.push(JSON.parse(line) as Record<string, unknown>),
  };
  return { lines, logger: createLogger({ ...options, destination }) };
}

it('writes one JSON line with level, time, fields and message', () => {
  const { lines, logger } = collect({ fields: { app_id: 'shop' } });
  logger.info({ name: 'store' }, 'component loaded');
  expect(lines).toEqual([
    {
      level: 'info',
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      app_id: 'shop',
      name: 'store',
      msg: 'component loaded',
    },
  ]);
});

it('leaves out what is below its level', () => {
  const { lines, logger } = collect({ level: 'warn' });
  logger.debug({}, 'a');
  logger.info({}, 'b');
  logger.warn({}, 'c');
  logger.error({}, 'd');
  expect(lines.map(({ msg }) => msg)).toEqual(['c', 'd']);
});

it('says nothing when silent', () => {
  const { lines, logger } = collect({ level: 'silent' });
  logger.error({}, 'a');
  expect(lines).toEqual([]);
});

it('writes an error with its code and its cause', () => {
  const { lines, logger } = collect();
  logger.error(
    { err: new TroupeError('CONFLICT', 'taken', { cause: new Error('row') }) },
    'commit failed',
  );
  expect(lines[0]).toMatchObject({
    err: { type: 'TroupeError', code: 'CONFLICT', message: expect.stringContaining('taken') },
  });
  expect(JSON.stringify(lines[0])).toContain('row');
});
