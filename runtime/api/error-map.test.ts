import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ActorError, ERROR_CODES, TroupeError } from '../core/errors.ts';
import { ApiError, toHttpError } from './api-error.ts';
import { API_ERRORS, RUNTIME_ERRORS, type ErrorRow } from './error-map.ts';

const page = readFileSync(join(import.meta.dirname, '../../docs/reference/errors.md'), 'utf8');

/** Rows of the page's tables with four columns: code, Dapr code, HTTP, gRPC. */
function rowsUnder(heading: string): Record<string, ErrorRow> {
  const section = page.split(`## ${heading}\n`)[1]?.split('\n## ')[0] ?? '';
  const rows = section.matchAll(/^\| `(\w+)` \| `(\w+)`(?: `(\w+)`)? \| (\d{3}) \| `(\w+)` \|/gm);
  return Object.fromEntries(
    Array.from(rows, ([, name, errorCode, reason, status, grpc]) => [
      name!,
      {
        errorCode: errorCode!,
        status: Number(status),
        grpc: grpc as ErrorRow['grpc'],
        ...(reason === undefined ? {} : { reason }),
      },
    ]),
  );
}

describe('the error table', () => {
  it('has every code of the runtime', () => {
    expect(Object.keys(RUNTIME_ERRORS)).toEqual(Object.keys(ERROR_CODES));
  });

  it('stands in docs/reference/errors.md, row for row', () => {
    expect(rowsUnder('On the wire')).toEqual(RUNTIME_ERRORS);
    const asListed = Object.entries(API_ERRORS).map(([name, row]: [string, ErrorRow]) => {
      const { informs: _informs, httpPrefix: _prefix, ...listed } = row;
      return [name, listed];
    });
    expect(rowsUnder('Errors of the API itself')).toEqual(Object.fromEntries(asListed));
  });
});

describe('an error over HTTP', () => {
  it.each(Object.entries(RUNTIME_ERRORS))('%s has its row', (code, row) => {
    const { status, body, retryAfter } = toHttpError(new TroupeError(code, 'why'));
    expect(status).toBe(row.status);
    expect(JSON.parse(body)).toMatchObject({
      errorCode: row.errorCode,
      message: 'why',
      details: { code, retryable: ERROR_CODES[code as keyof typeof ERROR_CODES].retryable },
    });
    expect(retryAfter).toBe(code === 'OVERLOADED');
  });

  it('of an application has the status it asks for, 500 when that is no error', () => {
    const status = (asked?: number): number =>
      toHttpError(new ActorError('X', 'x', asked === undefined ? {} : { status: asked })).status;
    expect([status(), status(409), status(200), status(700)]).toEqual([500, 409, 500, 500]);
  });

  it('that nobody expected says nothing of itself', () => {
    const wire = toHttpError(new TypeError('secret'), 'ACTOR_STATE_GET');
    expect(wire.body).not.toContain('secret');
    expect(JSON.parse(wire.body)).toMatchObject({ errorCode: 'ERR_ACTOR_STATE_GET' });
    expect(String(wire.cause)).toContain('secret');
  });

  it('of the API has the old form, or the rich one where Dapr has it', () => {
    const old = JSON.parse(toHttpError(new ApiError('STATE_GET', 'm')).body);
    expect(old).toEqual({ errorCode: 'ERR_STATE_GET', message: 'm' });
    const rich = JSON.parse(toHttpError(new ApiError('PUBSUB_NOT_FOUND', 'm')).body);
    expect(rich.details[0]).toMatchObject({ reason: 'DAPR_PUBSUB_NOT_FOUND', domain: 'dapr.io' });
  });

  it('of the API has a code of the runtime for callers in the process', () => {
    expect(new ApiError('PUBSUB_NOT_FOUND', 'm').code).toBe('NOT_FOUND');
    expect(new ApiError('PUBSUB_FORBIDDEN', 'm').code).toBe('FORBIDDEN');
    const cause = new TroupeError('UNAVAILABLE', 'away');
    expect(new ApiError('PUBSUB_PUBLISH', 'm', { cause })).toMatchObject({
      code: 'UNAVAILABLE',
      retryable: true,
    });
  });
});
