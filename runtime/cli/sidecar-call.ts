/**
 * One request to the HTTP API of a sidecar on this machine, by port or socket.
 * Importing fetch, or node:http whole, would take longer than most requests.
 */
const { request } = process.getBuiltinModule('node:http');

export type SidecarPlace =
  | { readonly host: string; readonly port: number }
  | { readonly path: string };

export interface SidecarRequest {
  readonly method: string;
  /** With its query. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  /** Sent as `dapr-api-token`. */
  readonly token?: string | undefined;
  readonly signal?: AbortSignal;
}

export interface SidecarAnswer {
  readonly status: number;
  readonly statusText: string;
  readonly body: Buffer;
}

/** The file of a socket that takes the place of a port. */
export function socketFile(folder: string, appId: string, api: 'http' | 'grpc'): string {
  return `${folder}/dapr-${appId}-${api}.socket`;
}

/** Rejects when there is no answer. */
export function callSidecar(place: SidecarPlace, asked: SidecarRequest): Promise<SidecarAnswer> {
  const { method, path, headers = {}, body = new Uint8Array(), token, signal } = asked;
  return new Promise((resolve, reject) => {
    const sent = request({
      ...('path' in place ? { socketPath: place.path } : place),
      method,
      path,
      agent: false,
      ...(signal ? { signal } : {}),
      headers: {
        ...headers,
        'content-length': body.byteLength,
        ...(token ? { 'dapr-api-token': token } : {}),
      },
    });
    sent.once('error', reject);
    sent.once('response', (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.once('error', reject);
      response.once('end', () => {
        const { statusCode = 0, statusMessage = '' } = response;
        resolve({ status: statusCode, statusText: statusMessage, body: Buffer.concat(chunks) });
      });
    });
    sent.end(body);
  });
}
