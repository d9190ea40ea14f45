/**
 * `secretstores.local.env`: environment variables as secrets, read at every
 * request. With `prefix` only variables that begin with it are secrets, named
 * without it. As in Dapr, the sidecar's own variables are not to be had.
 */
import { ComponentError } from '../../../runtime/core/errors.ts';
import type { Driver, MetadataField } from '../../component.ts';
import { readMetadata } from '../../metadata.ts';
import type { SecretStore } from '../contract.ts';

const fields: readonly MetadataField[] = [
  {
    name: 'prefix',
    description:
      'Only variables whose name begins with it are secrets; their names come without it. Without regard to case on Windows. Default: all variables.',
  },
];

/** Variables that hold the sidecar's own tokens and settings. */
function isReserved(variable: string): boolean {
  const name = variable.toUpperCase();
  return name === 'APP_API_TOKEN' || name.startsWith('DAPR_');
}

export const driver: Driver<SecretStore> = {
  fields,
  async create(options, { signal }) {
    if (signal.aborted)
      throw new ComponentError(options, 'was not created: cancelled', { code: 'CANCELLED' });
    const prefix = readMetadata(options, fields).text('prefix') ?? '';
    const fold = (name: string): string =>
      process.platform === 'win32' ? name.toUpperCase() : name;
    let closed = false;

    function requireOpen(): void {
      if (closed) throw new ComponentError(options, 'is closed; create it again to use it');
    }

    async function close(): Promise<void> {
      closed = true;
    }

    return {
      features: [],
      async getSecret(name) {
        requireOpen();
        const variable = prefix + name;
        if (isReserved(variable))
          throw new ComponentError(
            options,
            `the environment variable "${variable}" is the sidecar's own and is not given out`,
            { code: 'FORBIDDEN' },
          );
        // The environment object inherits members such as toString.
        const known = name !== '' && Object.hasOwn(process.env, variable);
        const value = known ? process.env[variable] : undefined;
        if (value === undefined)
          throw new ComponentError(options, `there is no environment variable "${variable}"`, {
            code: 'NOT_FOUND',
          });
        return { [name]: value };
      },
      async getBulkSecrets() {
        requireOpen();
        const secrets: [string, Record<string, string>][] = [];
        for (const [variable, value] of Object.entries(process.env)) {
          if (value === undefined || isReserved(variable)) continue;
          if (variable.length <= prefix.length || !fold(variable).startsWith(fold(prefix)))
            continue;
          const name = variable.slice(prefix.length);
          secrets.push([name, { [name]: value }]);
        }
        return Object.fromEntries(secrets);
      },
      async ping() {
        requireOpen();
      },
      close,
      [Symbol.asyncDispose]: close,
    };
  },
};
