/** All methods of `dapr.proto.runtime.v1.Dapr`, block by block. */
import type { Api } from '../../api/index.ts';
import { actorEventMethods, type HostActors } from './methods/actor-events.ts';
import { actorMethods } from './methods/actors.ts';
import { bindingMethods } from './methods/bindings.ts';
import { configurationMethods } from './methods/configuration.ts';
import { conversationMethods } from './methods/conversation.ts';
import { cryptoMethods } from './methods/crypto.ts';
import { invokeMethods } from './methods/invoke.ts';
import { jobMethods } from './methods/jobs.ts';
import { lockMethods } from './methods/lock.ts';
import { metadataMethods } from './methods/metadata.ts';
import { pubsubMethods } from './methods/pubsub.ts';
import { secretsMethods } from './methods/secrets.ts';
import { stateMethods } from './methods/state.ts';
import { subscribeMethods } from './methods/subscribe.ts';
import { unservedMethods } from './methods/unserved.ts';
import { workflowMethods } from './methods/workflow.ts';
import type { MethodRow } from './registry.ts';

export const DAPR_SERVICE = 'dapr.proto.runtime.v1.Dapr';

export interface DaprMethodsParts {
  readonly api: Api;
  readonly maxBytes: number;
  /** Absent: no actors over a stream. */
  readonly hostActors?: HostActors | undefined;
}

export function daprMethods({ api, maxBytes, hostActors }: DaprMethodsParts): MethodRow[] {
  const served = [
    ...invokeMethods(api.invoke, maxBytes),
    ...stateMethods(api.state),
    ...pubsubMethods(api.pubsub),
    ...secretsMethods(api.secrets),
    ...actorMethods(api.actors),
    ...actorEventMethods(hostActors),
    ...subscribeMethods(api.subscriptions),
    ...metadataMethods(api.metadata, api.health),
    ...bindingMethods(api.bindings),
    ...configurationMethods(api.configuration),
    ...lockMethods(api.lock),
    ...jobMethods(api.jobs),
    ...cryptoMethods(api.crypto),
    ...conversationMethods(api.conversation),
    ...workflowMethods(),
  ];
  return [...served, ...unservedMethods(served)];
}
