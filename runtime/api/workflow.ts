/** Workflows: refused by name over HTTP and gRPC, because this version of Troupe runs none. */
import { ApiError } from './api-error.ts';
import type { HttpRoute } from './route.ts';

/** Errors: always ERR_API_UNIMPLEMENTED. */
export function refuseWorkflow(what: string): never {
  throw new ApiError(
    'API_UNIMPLEMENTED',
    `${what}: this version of Troupe runs no workflows; use actors with reminders, or daprd for workflows`,
  );
}

export function workflowRoutes(): HttpRoute[] {
  const refuse = ({ path }: { readonly path: string }): never => refuseWorkflow(path);
  return ['v1.0', 'v1.0-beta1', 'v1.0-alpha1'].flatMap((version) => [
    { methods: ['GET'], pattern: `${version}/workflows/{component}/{id}`, handle: refuse },
    { methods: ['POST'], pattern: `${version}/workflows/{component}/{id}/{verb}`, handle: refuse },
    {
      methods: ['POST'],
      pattern: `${version}/workflows/{component}/{id}/raiseEvent/{event}`,
      handle: refuse,
    },
  ]);
}
