/** All methods of `dapr.proto.runtime.v1.Dapr`, block by block. */
import type { Api } from '../../api/index.ts';
import { actorMethods } from './methods/actors.ts';
import { invokeMethods } from './methods/invoke.ts';
import { metadataMethods } from './methods/metadata.ts';
import { pubsubMethods } from './methods/pubsub.ts';
import { secretsMethods } from './methods/secrets.ts';
import { stateMethods } from './methods/state.ts';
import { unservedMethods } from './methods/unserved.ts';
import { workflowMethods } from './methods/workflow.ts';
import type { MethodRow } from './registry.ts';

export const DAPR_SERVICE = 'dapr.proto.runtime.v1.Dapr';

export function daprMethods(api: Api, maxBytes: number): MethodRow[] {
  const served = [
    ...invokeMethods(api.invoke, maxBytes),
    ...stateMethods(api.state),
    ...pubsubMethods(api.pubsub),
    ...secretsMethods(api.secrets),
    ...actorMethods(api.actors),
    ...metadataMethods(api.metadata, api.health),
    ...workflowMethods(),
  ];
  return [...served, ...unservedMethods(served)];
}
