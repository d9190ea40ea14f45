/** Codes of gRPC as HTTP has them, and the code that an error of a component process came with. */

/** By gRPC code, from OK to UNAUTHENTICATED, as Dapr maps them. */
const HTTP_OF_CODE = [
  200, 408, 500, 400, 504, 404, 409, 403, 429, 400, 409, 400, 501, 500, 503, 500, 401,
] as const;

export function httpOfCode(code: number): number {
  return HTTP_OF_CODE[code] ?? 500;
}

/** Undefined for an error that no gRPC status is behind. */
export function grpcCodeOf(error: unknown): number | undefined {
  const { cause } = (error ?? {}) as { cause?: { status?: { code?: unknown } } | null };
  const code = cause?.status?.code;
  return typeof code === 'number' ? code : undefined;
}
