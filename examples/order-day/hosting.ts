/**
 * On which runtime a run is hosted: in this process, or behind a sidecar that
 * was started beside it, Troupe's or Dapr's. What `troupe run` tells an app in
 * its environment is the default of each flag.
 */
import type { SystemOptions } from 'troupe';
import { TroupeError } from 'troupe/actor';
import type { Flags } from './flags.ts';
import { findPlaces, type Places } from './places.ts';

type Environment = Readonly<Record<string, string | undefined>>;

export interface Hosting {
  readonly places: Places;
  readonly options: Pick<
    SystemOptions,
    'runtime' | 'appId' | 'components' | 'http' | 'dapr' | 'env'
  >;
  /** Where the HTTP API answers, once the system is open; undefined: nowhere. */
  readonly api: 'of the system' | { readonly host: string; readonly port: number };
}

const APP_ID = 'order-day';
const DEFAULT_PORT = 3500;
const NOT_BEHIND_A_SIDECAR = ['state', 'fresh', 'resourcesPath', 'port'] as const;

const portOf = (text: string | undefined): number | undefined =>
  text !== undefined && /^\d+$/.test(text) && Number(text) > 0 ? Number(text) : undefined;

/** Throws INVALID_ARGUMENT for flags that the sidecar has the say of, and what finding the components throws. */
export async function findHosting(flags: Flags, env: Environment): Promise<Hosting> {
  const runtime = flags.runtime ?? env['TROUPE_RUNTIME'] ?? 'embedded';
  const appId = env['APP_ID'] || APP_ID;
  if (runtime === 'dapr') return behindSidecar(flags, env, appId);
  if (runtime === 'embedded') return inProcess(flags, env, appId);
  throw new TroupeError(
    'INVALID_ARGUMENT',
    `there is no runtime "${runtime}" for the order day; known: embedded, dapr`,
  );
}

function behindSidecar(flags: Flags, env: Environment, appId: string): Hosting {
  const given = NOT_BEHIND_A_SIDECAR.filter((name) => flags[name] ?? false);
  if (given.length > 0) {
    const names = given.map((name) => (name === 'resourcesPath' ? 'resources-path' : name));
    throw new TroupeError(
      'INVALID_ARGUMENT',
      `--${names.join(', --')} cannot be given behind a sidecar, which has the components and the APIs; tell it, or use --runtime embedded`,
    );
  }
  const httpPort = portOf(env['DAPR_HTTP_PORT']) ?? DEFAULT_PORT;
  const grpcPort = portOf(env['DAPR_GRPC_PORT']);
  const appPort = portOf(env['APP_PORT']);
  const [apiToken, appToken] = [env['DAPR_API_TOKEN'], env['APP_API_TOKEN']];
  const dapr: NonNullable<SystemOptions['dapr']> = {
    httpPort,
    ...(grpcPort === undefined ? {} : { grpcPort }),
    ...(appPort === undefined ? {} : { appPort }),
    ...(apiToken ? { apiToken } : {}),
    ...(appToken ? { appToken } : {}),
  };
  const at = { host: '127.0.0.1', port: httpPort };
  return {
    places: { components: [], state: `the sidecar at ${at.host}:${at.port}`, notes: [] },
    options: { runtime: 'dapr', appId, dapr },
    api: at,
  };
}

async function inProcess(flags: Flags, env: Environment, appId: string): Promise<Hosting> {
  const told = env['TROUPE_RESOURCES_PATH']?.split(',').filter((path) => path !== '');
  const resourcesPaths = flags.resourcesPath === undefined ? told : [flags.resourcesPath];
  const places = await findPlaces({ appId, env, resourcesPaths, state: flags.state });
  const port =
    flags.port ?? portOf(env['DAPR_HTTP_PORT']) ?? (flags.once ? undefined : DEFAULT_PORT);
  return {
    places,
    options: {
      appId,
      components: places.components,
      env,
      ...(port === undefined ? {} : { http: { port } }),
    },
    api: 'of the system',
  };
}
