/**
 * The secrets building block: single secrets and all of them, from the secret
 * stores of the app, within the scopes that a Configuration sets.
 */
import type { SecretStore } from '../../components/secretstores/contract.ts';
import { ApiError, reasonOf } from './api-error.ts';
import { empty, json, type HttpRequest, type HttpResponse, type HttpRoute } from './route.ts';

/** As `spec.secrets.scopes[]` of a Configuration. */
export interface SecretScope {
  readonly storeName: string;
  /** Default `allow`. */
  readonly defaultAccess?: string;
  /** When it has names, it decides alone. */
  readonly allowedSecrets?: readonly string[];
  readonly deniedSecrets?: readonly string[];
}

export interface SecretsOptions {
  readonly secretStores: ReadonlyMap<string, SecretStore>;
  readonly secretScopes?: readonly SecretScope[] | undefined;
}

type Secret = Record<string, string>;

export interface SecretsApi {
  get(store: string, key: string, context?: { signal?: AbortSignal }): Promise<Secret>;
  /** Only what the scope allows. */
  getBulk(store: string, context?: { signal?: AbortSignal }): Promise<Record<string, Secret>>;
}

function isAllowed(scope: SecretScope | undefined, key: string): boolean {
  if (!scope) return true;
  const { allowedSecrets = [], deniedSecrets = [], defaultAccess = 'allow' } = scope;
  if (allowedSecrets.length > 0) return allowedSecrets.includes(key);
  return !deniedSecrets.includes(key) && defaultAccess.toLowerCase() !== 'deny';
}

export function createSecretsApi({ secretStores, secretScopes = [] }: SecretsOptions): SecretsApi {
  const scopes = new Map(secretScopes.map((scope) => [scope.storeName, scope]));

  function find(name: string): SecretStore {
    const store = secretStores.get(name);
    if (store) return store;
    if (secretStores.size === 0) {
      throw new ApiError('SECRET_STORES_NOT_CONFIGURED', 'secret store is not configured');
    }
    throw new ApiError('SECRET_STORE_NOT_FOUND', `failed finding secret store with key ${name}`);
  }

  return {
    async get(name, key, context) {
      const store = find(name);
      if (!isAllowed(scopes.get(name), key)) {
        const text = `access denied by policy to get ${JSON.stringify(key)} from ${JSON.stringify(name)}`;
        throw new ApiError('SECRET_FORBIDDEN', text);
      }
      try {
        return await store.getSecret(key, context);
      } catch (cause) {
        const text = `failed getting secret with key ${key} from secret store ${name}: ${reasonOf(cause)}`;
        throw new ApiError('SECRET_GET', text, { cause });
      }
    },

    async getBulk(name, context) {
      const store = find(name);
      let secrets: Record<string, Secret>;
      try {
        secrets = await store.getBulkSecrets(context);
      } catch (cause) {
        const text = `failed getting secrets from secret store ${name}: ${reasonOf(cause)}`;
        throw new ApiError('SECRET_GET', text, { cause });
      }
      const scope = scopes.get(name);
      return Object.fromEntries(Object.entries(secrets).filter(([key]) => isAllowed(scope, key)));
    },
  };
}

export function secretsRoutes(api: SecretsApi): HttpRoute[] {
  const get = async (request: HttpRequest): Promise<HttpResponse> => {
    const [store, key] = request.params as [string, string];
    const secret = await api.get(store, key, request);
    return Object.keys(secret).length === 0 ? empty() : json(secret);
  };
  return [
    {
      methods: ['GET'],
      pattern: 'v1.0/secrets/{store}/bulk',
      handle: async (request) => json(await api.getBulk(request.params[0]!, request)),
    },
    { methods: ['GET'], pattern: 'v1.0/secrets/{store}/{key}', handle: get },
  ];
}
