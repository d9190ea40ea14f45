/**
 * From the metadata of a component's spec to the values that a driver is given:
 * secrets and environment variables are looked up, templates filled in.
 */
import type { SecretStore } from '../../components/secretstores/contract.ts';
import type { ComponentSpec, MetadataItem } from '../config/component.ts';
import { ComponentError } from '../core/errors.ts';

export interface MetadataSources {
  readonly appId: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The secret stores that are open. */
  readonly secretStores: ReadonlyMap<string, SecretStore>;
  readonly uuid: () => string;
}

/** Values by metadata name; names as written. Throws ComponentError naming the entry that cannot be resolved. */
export async function resolveMetadata(
  spec: ComponentSpec,
  sources: MetadataSources,
  signal: AbortSignal,
): Promise<Record<string, string>> {
  const values: Record<string, string> = {};
  const secrets = new Map<string, Record<string, string>>();
  for (const item of spec.metadata) {
    const value = await rawValue(spec, item, sources, secrets, signal);
    values[item.name] = fillTemplates(spec, item, value, sources);
  }
  return values;
}

/** Where an entry stands and its name: `store.yaml:12: metadata field "password"`. */
export function entryName(spec: ComponentSpec, item: MetadataItem): string {
  const place = spec.source && item.line !== undefined ? `${spec.source.file}:${item.line}: ` : '';
  return `${place}metadata field "${item.name}"`;
}

async function rawValue(
  spec: ComponentSpec,
  item: MetadataItem,
  { env, secretStores }: MetadataSources,
  secrets: Map<string, Record<string, string>>,
  signal: AbortSignal,
): Promise<string> {
  if ('value' in item) return item.value;
  if ('envRef' in item) return envValue(spec, item, env);
  const { name, key } = item.secretKeyRef;
  const entry = entryName(spec, item);
  if (spec.secretStore === undefined) {
    throw invalid(
      spec,
      `${entry} has a secretKeyRef, but the component names no secret store; add auth.secretStore`,
    );
  }
  const store = secretStores.get(spec.secretStore);
  if (!store) {
    const open = [...secretStores.keys()].join(', ') || 'none';
    throw invalid(
      spec,
      `${entry} needs secret store "${spec.secretStore}", which is not loaded (loaded: ${open})`,
    );
  }
  let secret = secrets.get(name);
  if (!secret) {
    try {
      secret = await store.getSecret(name, { signal });
    } catch (cause) {
      const message = cause instanceof Error ? cause.message : String(cause);
      throw new ComponentError(
        spec,
        `${entry}: secret "${name}" of store "${spec.secretStore}" cannot be read: ${message}`,
        { cause },
      );
    }
    secrets.set(name, secret);
  }
  const value = secret[key];
  if (value !== undefined) return value;
  throw invalid(
    spec,
    `${entry}: secret "${name}" of store "${spec.secretStore}" has no key "${key}"; put it there or correct secretKeyRef.key`,
  );
}

/** Dapr lets components read no variable of its own and, when DAPR_ENV_KEYS is set, only those it lists. */
function envValue(
  spec: ComponentSpec,
  item: MetadataItem & { envRef: string },
  env: MetadataSources['env'],
): string {
  const { envRef } = item;
  const entry = entryName(spec, item);
  const listed = env['DAPR_ENV_KEYS'];
  const upper = envRef.toUpperCase();
  if (upper === 'APP_API_TOKEN' || upper.startsWith('DAPR_') || upper.includes(' ')) {
    throw invalid(
      spec,
      `${entry}: the environment variable ${envRef} may not be read by components`,
    );
  }
  if (listed && !listed.split(' ').includes(upper)) {
    throw invalid(
      spec,
      `${entry}: the environment variable ${envRef} is not listed in DAPR_ENV_KEYS`,
    );
  }
  const value = env[envRef];
  if (value === undefined) {
    throw invalid(
      spec,
      `${entry}: the environment variable ${envRef} is not set; set it, or give a value`,
    );
  }
  return value;
}

function fillTemplates(
  spec: ComponentSpec,
  item: MetadataItem,
  value: string,
  { appId, env, uuid }: MetadataSources,
): string {
  if (!value.includes('{')) return value;
  const podName = env['POD_NAME'];
  if (value.includes('{podName}') && !podName) {
    throw invalid(
      spec,
      `${entryName(spec, item)} has {podName}, but the environment variable POD_NAME is not set`,
    );
  }
  return value
    .replaceAll('{uuid}', () => uuid())
    .replaceAll('{podName}', () => podName ?? '')
    .replaceAll('{namespace}', () => `${env['NAMESPACE'] ?? 'default'}.${appId}`)
    .replaceAll('{appID}', () => appId);
}

export function invalid(spec: ComponentSpec, message: string): ComponentError {
  return new ComponentError(spec, message, { code: 'INVALID_ARGUMENT' });
}
