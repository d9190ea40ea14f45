/** The server reflection protocol, v1 and v1alpha: what this server serves, as file descriptors. */
import type { Protos } from './proto.ts';
import { duplex, handlersOf, type MethodRow } from './registry.ts';
import type { Handler } from './server.ts';
import { CODES } from './status.ts';

interface ReflectionRequest {
  readonly host: string;
  readonly fileByFilename?: string;
  readonly fileContainingSymbol?: string;
  readonly messageRequest?: string;
}

export interface DescriptorFiles {
  /** Serialised FileDescriptorProto of the file and of what it imports; undefined when there is none. */
  byName(name: string): Uint8Array[] | undefined;
  bySymbol(symbol: string): Uint8Array[] | undefined;
}

const SERVICE = 'grpc.reflection.v1.ServerReflection';
const ALPHA = 'grpc.reflection.v1alpha.ServerReflection';

function answer(
  request: ReflectionRequest,
  services: readonly string[],
  files: DescriptorFiles,
): object {
  const kind = request.messageRequest;
  const base = { validHost: request.host, originalRequest: request };
  if (kind === 'listServices') {
    return { ...base, listServicesResponse: { service: services.map((name) => ({ name })) } };
  }
  const wanted = request.fileByFilename || request.fileContainingSymbol || '';
  const found =
    kind === 'fileByFilename'
      ? files.byName(wanted)
      : kind === 'fileContainingSymbol'
        ? files.bySymbol(wanted)
        : undefined;
  if (found) return { ...base, fileDescriptorResponse: { fileDescriptorProto: found } };
  return {
    ...base,
    errorResponse: { errorCode: CODES.NOT_FOUND, errorMessage: `not found: "${wanted}"` },
  };
}

export function reflectionHandlers(
  protos: Protos,
  services: readonly string[],
): Map<string, Handler> {
  const names = [...services, SERVICE, ALPHA];
  const rows: MethodRow[] = [
    duplex<ReflectionRequest, object>('ServerReflectionInfo', async (call) => {
      const { createDescriptorFiles } = await import('./descriptor-files.ts');
      const files = createDescriptorFiles(protos.original());
      for await (const request of call.requests()) await call.send(answer(request, names, files));
    }),
  ];
  const handlers = handlersOf(protos, SERVICE, rows);
  // Both versions have the same messages under other names, and bytes carry no names.
  const path = `/${SERVICE}/ServerReflectionInfo`;
  handlers.set(`/${ALPHA}/ServerReflectionInfo`, handlers.get(path)!);
  return handlers;
}
