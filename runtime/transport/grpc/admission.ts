/** What the headers of a call must be before it is served: short enough, with the token, in an encoding that is known. */
import type { IncomingHttpHeaders } from 'node:http2';
import { createTokenMatch } from '../token.ts';
import { firstOf } from './metadata.ts';
import { httpErrorInfo } from './status-details.ts';
import { GrpcError } from './status.ts';

/** As HTTP/2 counts a list of headers. A client learns the limit only after its first calls, so it is held here. */
function sizeOf(list: readonly string[]): number {
  let size = 0;
  for (const one of list) size += one.length + 16;
  return size;
}

/** Why a call is not served; undefined: it is. `list` has names and values as they came. */
export type Admission = (
  headers: IncomingHttpHeaders,
  list: readonly string[],
) => GrpcError | undefined;

export function createAdmission(maxHeaderBytes: number, apiToken: string | undefined): Admission {
  const matches = createTokenMatch(apiToken);
  return (headers, list) => {
    if (sizeOf(list) > maxHeaderBytes) {
      const text = `the headers are larger than the limit of ${maxHeaderBytes} bytes`;
      return new GrpcError('RESOURCE_EXHAUSTED', text);
    }
    if (!matches(headers['dapr-api-token'])) {
      const given = headers['dapr-api-token'] !== undefined;
      const why = given
        ? 'authentication error: api token mismatch'
        : 'missing api token in request metadata';
      const details = [httpErrorInfo(401, 'Unauthorized', why)];
      return new GrpcError('UNAUTHENTICATED', 'Unauthorized', { details });
    }
    const encoding = firstOf(headers['grpc-encoding']);
    if (encoding !== undefined && encoding !== 'gzip' && encoding !== 'identity') {
      return new GrpcError(
        'UNIMPLEMENTED',
        `grpc: Decompressor is not installed for grpc-encoding "${encoding}"; use gzip or identity`,
      );
    }
    return undefined;
  };
}
