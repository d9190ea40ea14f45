/** The smaller building blocks of the API together: what they need, and their HTTP rows. */
import { bindingRoutes } from './binding-routes.ts';
import { createBindingsApi, type BindingEntry, type BindingsApi } from './bindings.ts';
import type { ConfigurationStore } from '../../components/configuration/contract.ts';
import type { Conversation } from '../../components/conversation/contract.ts';
import type { CryptoProvider } from '../../components/crypto/contract.ts';
import type { SecretStore } from '../../components/secretstores/contract.ts';
import type { Jobs } from '../core/job-scheduler.ts';
import type { EngineLogger } from '../core/ports.ts';
import type { Resiliency } from '../core/resiliency.ts';
import type { Telemetry } from '../core/telemetry.ts';
import type { Tracer } from '../core/tracing.ts';
import {
  configurationRoutes,
  createConfigurationApi,
  type ConfigurationApi,
} from './configuration.ts';
import { conversationRoutes } from './conversation-routes.ts';
import { createConversationApi, type ConversationApi } from './conversation.ts';
import { createCryptoApi, cryptoRoutes, type CryptoApi } from './crypto.ts';
import type { AppChannel } from './invoke.ts';
import { jobRoutes } from './job-routes.ts';
import { createJobsApi, type JobsApi } from './jobs.ts';
import { createLockApi, lockRoutes, type LockApi, type LockStoreEntry } from './lock.ts';
import type { HttpRoute } from './route.ts';
import { createServicesApi, type ServicesApi, type ServicesOptions } from './services.ts';
import { createSecretsApi, secretsRoutes, type SecretScope, type SecretsApi } from './secrets.ts';
import { workflowRoutes } from './workflow.ts';

export interface BlocksOptions extends ServicesOptions {
  readonly appId: string;
  readonly namespace?: string | undefined;
  /** The HTTP app beside the host. */
  readonly app?: AppChannel | undefined;
  readonly logger: EngineLogger;
  /** Policies of deliveries to the app. */
  readonly resiliency?: Resiliency | undefined;
  /** Absent: nothing is measured. */
  readonly telemetry?: Telemetry | undefined;
  readonly tracer?: Tracer | undefined;
  readonly secretStores?: ReadonlyMap<string, SecretStore> | undefined;
  readonly secretScopes?: readonly SecretScope[] | undefined;
  readonly configurations?: ReadonlyMap<string, ConfigurationStore> | undefined;
  readonly locks?: ReadonlyMap<string, LockStoreEntry> | undefined;
  readonly bindings?: ReadonlyMap<string, BindingEntry> | undefined;
  readonly cryptoProviders?: ReadonlyMap<string, CryptoProvider> | undefined;
  readonly conversations?: ReadonlyMap<string, Conversation> | undefined;
  /** Absent: nothing keeps jobs. */
  readonly jobs?: Jobs | undefined;
}

export interface Blocks {
  readonly secrets: SecretsApi;
  readonly configuration: ConfigurationApi;
  readonly lock: LockApi;
  readonly jobs: JobsApi;
  readonly bindings: BindingsApi;
  readonly crypto: CryptoApi;
  readonly conversation: ConversationApi;
  readonly services: ServicesApi;
}

const NONE = new Map<string, never>();

export function createBlocks(options: BlocksOptions): Blocks {
  const { secretStores = NONE, configurations = NONE, locks = NONE, bindings = NONE } = options;
  const { cryptoProviders = NONE, conversations = NONE } = options;
  return {
    secrets: createSecretsApi({ ...options, secretStores }),
    configuration: createConfigurationApi({ ...options, configurations }),
    lock: createLockApi({ locks }),
    jobs: createJobsApi(options),
    bindings: createBindingsApi({ ...options, bindings }),
    crypto: createCryptoApi({ cryptoProviders }),
    conversation: createConversationApi({ conversations }),
    services: createServicesApi(options),
  };
}

export function blockRoutes(blocks: Blocks): HttpRoute[] {
  return [
    ...secretsRoutes(blocks.secrets),
    ...configurationRoutes(blocks.configuration),
    ...lockRoutes(blocks.lock),
    ...jobRoutes(blocks.jobs),
    ...bindingRoutes(blocks.bindings),
    ...cryptoRoutes(blocks.crypto),
    ...conversationRoutes(blocks.conversation),
    ...blocks.services.routes,
    ...workflowRoutes(),
  ];
}

/** Ends what the blocks began; what the host handed in stays open. Idempotent. */
export async function closeBlocks({ configuration, services }: Blocks): Promise<void> {
  services.close();
  await configuration.close();
}
