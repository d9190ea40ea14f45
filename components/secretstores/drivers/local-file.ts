/**
 * `secretstores.local.file`: secrets from a JSON file, read once when the
 * component is created. By default nested members become names joined by
 * `nestedSeparator`, one value a secret; with `multiValued` each member of the
 * file is a secret that may have several values.
 */
import { readFile } from 'node:fs/promises';
import { ComponentError } from '../../../runtime/core/errors.ts';
import type { ComponentOptions, Driver, MetadataField } from '../../component.ts';
import { readMetadata } from '../../metadata.ts';
import type { SecretStore } from '../contract.ts';

const fields: readonly MetadataField[] = [
  {
    name: 'secretsFile',
    required: true,
    description: 'Path of the JSON file; relative ones start at the working directory.',
  },
  { name: 'nestedSeparator', description: 'Joins the names of nested members. Default `:`.' },
  {
    name: 'multiValued',
    description:
      '`true`: every member of the file is one secret, an object being its keys and values. Default `false`.',
  },
];

/** Name of a secret to its keys and values. */
type Secrets = Map<string, ReadonlyMap<string, string>>;

async function readFileOf(
  options: ComponentOptions,
  path: string,
  signal: AbortSignal,
): Promise<Record<string, unknown>> {
  let text: string;
  try {
    text = await readFile(path, { encoding: 'utf8', signal });
  } catch (cause) {
    if (signal.aborted)
      throw new ComponentError(options, 'was not read: cancelled', { code: 'CANCELLED', cause });
    throw new ComponentError(
      options,
      `the secrets file "${path}" cannot be read (${(cause as NodeJS.ErrnoException).code}); "secretsFile" must name a JSON file`,
      { cause },
    );
  }
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch {
    // The parser's message quotes the file, so it must not become part of ours, nor its cause.
    throw new ComponentError(options, `the secrets file "${path}" is not valid JSON`);
  }
  if (!isObject(content))
    throw new ComponentError(options, `the secrets file "${path}" must hold one JSON object`);
  return content;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Every value below `value` under its joined name; array items count from 0. */
function* flatten(value: unknown, path: string[], separator: string): Generator<[string, string]> {
  if (typeof value === 'object' && value !== null) {
    for (const [name, member] of Object.entries(value))
      yield* flatten(member, [...path, name], separator);
  } else {
    yield [path.join(separator), value === null ? '' : String(value as string | number | boolean)];
  }
}

function readSecrets(
  options: ComponentOptions,
  content: Record<string, unknown>,
  separator: string,
  multiValued: boolean,
): Secrets {
  const secrets: Secrets = new Map();
  const unique = (name: string, names: ReadonlyMap<string, unknown>): void => {
    if (!names.has(name)) return;
    throw new ComponentError(
      options,
      `the secrets file has "${name}" twice once nested names are joined by "${separator}"; rename one or choose another "nestedSeparator"`,
    );
  };
  if (!multiValued) {
    for (const [name, value] of flatten(content, [], separator)) {
      unique(name, secrets);
      secrets.set(name, new Map([[name, value]]));
    }
    return secrets;
  }
  for (const [name, value] of Object.entries(content)) {
    const values = new Map<string, string>();
    const entries = isObject(value) ? flatten(value, [], separator) : [[name, value]];
    for (const [key, text] of entries) {
      if (typeof text !== 'string')
        throw new ComponentError(
          options,
          `with "multiValued" the secret "${name}" must be a text or an object`,
        );
      unique(key as string, values);
      values.set(key as string, text);
    }
    secrets.set(name, values);
  }
  return secrets;
}

export const driver: Driver<SecretStore> = {
  fields,
  async create(options, { signal }) {
    const metadata = readMetadata(options, fields);
    const path = metadata.text('secretsFile');
    if (path === undefined) throw metadata.refuse('secretsFile', 'is missing; name a JSON file');
    const separator = metadata.text('nestedSeparator') ?? ':';
    const multiValued = metadata.boolean('multiValued') ?? false;
    const content = await readFileOf(options, path, signal);
    const secrets = readSecrets(options, content, separator, multiValued);
    let closed = false;

    function requireOpen(): void {
      if (closed) throw new ComponentError(options, 'is closed; create it again to use it');
    }

    async function close(): Promise<void> {
      closed = true;
      secrets.clear();
    }

    return {
      features: multiValued ? ['MULTIPLE_KEY_VALUES_PER_SECRET'] : [],
      async getSecret(name) {
        requireOpen();
        const secret = secrets.get(name);
        if (!secret)
          throw new ComponentError(options, `secret ${name} not found: the file has no "${name}"`, {
            code: 'NOT_FOUND',
          });
        return Object.fromEntries(secret);
      },
      async getBulkSecrets() {
        requireOpen();
        return Object.fromEntries(
          [...secrets].map(([name, secret]) => [name, Object.fromEntries(secret)]),
        );
      },
      async ping() {
        requireOpen();
      },
      close,
      [Symbol.asyncDispose]: close,
    };
  },
};
