/** The smaller building blocks of the API together: what they need, and their HTTP rows. */
import type { SecretStore } from '../../components/secretstores/contract.ts';
import type { HttpRoute } from './route.ts';
import { createSecretsApi, secretsRoutes, type SecretScope, type SecretsApi } from './secrets.ts';

export interface BlocksOptions {
  readonly secretStores?: ReadonlyMap<string, SecretStore> | undefined;
  readonly secretScopes?: readonly SecretScope[] | undefined;
}

export interface Blocks {
  readonly secrets: SecretsApi;
}

const NONE = new Map<string, never>();

export function createBlocks(options: BlocksOptions): Blocks {
  const { secretStores = NONE, secretScopes } = options;
  return { secrets: createSecretsApi({ secretStores, secretScopes }) };
}

export function blockRoutes({ secrets }: Blocks): HttpRoute[] {
  return [...secretsRoutes(secrets)];
}
