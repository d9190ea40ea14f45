/** The trailers that end a call. */
import { encodeMessage, sendable, type Metadata } from './metadata.ts';
import type { Status } from './status.ts';

export function trailersOf(
  { code, message, details }: Status,
  given: Metadata | undefined,
): Record<string, string | string[]> {
  const trailers: Record<string, string | string[]> = {
    ...(given ? sendable(given) : {}),
    'grpc-status': String(code),
  };
  if (message !== '') trailers['grpc-message'] = encodeMessage(message);
  if (details) {
    const { buffer, byteOffset, byteLength } = details;
    trailers['grpc-status-details-bin'] = Buffer.from(buffer, byteOffset, byteLength)
      .toString('base64')
      .replace(/=+$/, '');
  }
  return trailers;
}
