/** The public surface of a program that hosts nothing: `troupe/client`. */
export { createClient } from './client.ts';
export type {
  ActorCallOptions,
  BindingReply,
  Client,
  ClientOptions,
  ClientRef,
  ConfigurationItem,
  ConfigurationItems,
  ConfigurationStore,
  Crypto,
  EncryptOptions,
  InvokeOptions,
  Jobs,
  JobSpec,
  Lock,
  LockOptions,
  PublishOptions,
  RequestOptions,
  SidecarMetadata,
  StateItem,
  StateOperation,
  StateStore,
  SubscribeOptions,
  Subscription,
  TopicEvent,
  TopicHandler,
  WriteOptions,
} from './types.ts';
export type { CallOptions } from '../actor/ref.ts';
export { ActorError, isActorError, isTroupeError, TroupeError } from '../core/errors.ts';
export type { ErrorCode } from '../core/errors.ts';
