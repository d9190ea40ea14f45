/** The smaller building blocks of the API together: what they need, and their HTTP rows. */
import { bindingRoutes } from './binding-routes.ts';
import { createBindingsApi, type BindingEntry, type BindingsApi } from './bindings.ts';
import type { ConfigurationStore } from '../../components/configuration/contract.ts';
import type { SecretStore } from '../../components/secretstores/contract.ts';
import type { JobScheduler } from '../core/job-scheduler.ts';
import type { EngineLogger } from '../core/ports.ts';
import {
  configurationRoutes,
  createConfigurationApi,
  type ConfigurationApi,
} from './configuration.ts';
import type { AppChannel } from './invoke.ts';
import { jobRoutes } from './job-routes.ts';
import { createJobsApi, type JobsApi } from './jobs.ts';
import { createLockApi, lockRoutes, type LockApi, type LockStoreEntry } from './lock.ts';
import type { HttpRoute } from './route.ts';
import { createSecretsApi, secretsRoutes, type SecretScope, type SecretsApi } from './secrets.ts';

export interface BlocksOptions {
  readonly appId: string;
  readonly namespace?: string | undefined;
  /** The HTTP app beside the host. */
  readonly app?: AppChannel | undefined;
  readonly logger: EngineLogger;
  readonly secretStores?: ReadonlyMap<string, SecretStore> | undefined;
  readonly secretScopes?: readonly SecretScope[] | undefined;
  readonly configurations?: ReadonlyMap<string, ConfigurationStore> | undefined;
  readonly locks?: ReadonlyMap<string, LockStoreEntry> | undefined;
  readonly bindings?: ReadonlyMap<string, BindingEntry> | undefined;
  /** Absent: nothing keeps jobs. */
  readonly jobs?: JobScheduler | undefined;
}

export interface Blocks {
  readonly secrets: SecretsApi;
  readonly configuration: ConfigurationApi;
  readonly lock: LockApi;
  readonly jobs: JobsApi;
  readonly bindings: BindingsApi;
}

const NONE = new Map<string, never>();

export function createBlocks(options: BlocksOptions): Blocks {
  const { secretStores = NONE, configurations = NONE, locks = NONE, bindings = NONE } = options;
  return {
    secrets: createSecretsApi({ ...options, secretStores }),
    configuration: createConfigurationApi({ ...options, configurations }),
    lock: createLockApi({ locks }),
    jobs: createJobsApi(options),
    bindings: createBindingsApi({ ...options, bindings }),
  };
}

export function blockRoutes({ secrets, configuration, lock, jobs, bindings }: Blocks): HttpRoute[] {
  return [
    ...secretsRoutes(secrets),
    ...configurationRoutes(configuration),
    ...lockRoutes(lock),
    ...jobRoutes(jobs),
    ...bindingRoutes(bindings),
  ];
}

/** Ends what the blocks began; what the host handed in stays open. Idempotent. */
export async function closeBlocks({ configuration }: Blocks): Promise<void> {
  await configuration.close();
}
