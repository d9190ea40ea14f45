/** Calls over gRPC in the API log. A path names a method and nothing that a caller chose, so it is always seen. */
import type { EngineLogger } from '../../core/ports.ts';
import { beginLine } from '../api-log.ts';
import type { ServerCall } from './call.ts';
import { firstOf } from './metadata.ts';

export function logCall(log: EngineLogger, call: ServerCall): void {
  const write = beginLine(log, 'gRPC');
  call.whenEnded((code) => {
    write({ method: call.path, code, useragent: firstOf(call.headers['user-agent']) });
  });
}
