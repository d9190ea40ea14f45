/** `troupe invoke` and `troupe publish`: one request through the sidecar of an app, found by its id. */
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { TroupeError } from '../../core/errors.ts';
import { flag, type FlagTable, parseFlags, text } from '../flag-table.ts';
import type { Surroundings } from '../main.ts';
import { callSidecar, type SidecarPlace, socketFile } from '../sidecar-call.ts';
import { findInstances } from './find.ts';

const DATA_FLAGS = { data: text(), 'data-file': text(), 'unix-domain-socket': text() } as const;
const DATA_LETTERS = { d: 'data', f: 'data-file', u: 'unix-domain-socket', h: 'help' } as const;

export const INVOKE_FLAGS = {
  'app-id': text(),
  method: text(),
  verb: text('POST'),
  ...DATA_FLAGS,
  help: flag(),
} as const;
export const INVOKE_LETTERS = { a: 'app-id', m: 'method', v: 'verb', ...DATA_LETTERS } as const;

export const PUBLISH_FLAGS = {
  'publish-app-id': text(),
  pubsub: text(),
  topic: text(),
  metadata: text(),
  ...DATA_FLAGS,
  help: flag(),
} as const;
export const PUBLISH_LETTERS = {
  i: 'publish-app-id',
  p: 'pubsub',
  t: 'topic',
  m: 'metadata',
  ...DATA_LETTERS,
} as const;

export async function invoke(args: readonly string[], surroundings: Surroundings): Promise<number> {
  const { flags } = parseFlags(INVOKE_FLAGS, args, { letters: INVOKE_LETTERS });
  needed<typeof INVOKE_FLAGS>(flags, ['app-id', 'method']);
  const { 'app-id': appId, method, verb } = flags;
  const body = await bodyOf(flags, surroundings);
  const place = await placeOf(appId, flags['unix-domain-socket'], surroundings);
  const { stdout, env } = surroundings;
  const answer = await callSidecar(place, {
    method: verb.toUpperCase(),
    path: `/v1.0/invoke/${encodeURIComponent(appId)}/method/${method.replace(/^\//, '')}`,
    headers: { 'content-type': 'application/json' },
    body,
    token: env['DAPR_API_TOKEN'],
  });
  if (answer.status < 200 || answer.status >= 400) {
    const said = answer.body.length > 0 ? `: ${answer.body.toString()}` : '';
    throw new TroupeError(
      'UNAVAILABLE',
      `error invoking app ${appId}: ${answer.status} ${answer.statusText}${said}`,
    );
  }
  if (answer.body.length > 0) stdout.write(`${answer.body.toString()}\n`);
  stdout.write('✅  App invoked successfully\n');
  return 0;
}

export async function publish(
  args: readonly string[],
  surroundings: Surroundings,
): Promise<number> {
  const { flags } = parseFlags(PUBLISH_FLAGS, args, { letters: PUBLISH_LETTERS });
  needed<typeof PUBLISH_FLAGS>(flags, ['publish-app-id', 'pubsub', 'topic']);
  const { 'publish-app-id': appId, pubsub, topic } = flags;
  const query = metadataQuery(flags.metadata);
  const body = await bodyOf(flags, surroundings);
  const place = await placeOf(appId, flags['unix-domain-socket'], surroundings);
  const { stdout, env } = surroundings;
  const answer = await callSidecar(place, {
    method: 'POST',
    path: `/v1.0/publish/${encodeURIComponent(pubsub)}/${topic}${query}`,
    headers: {
      'content-type': isCloudEvent(body) ? 'application/cloudevents+json' : 'application/json',
    },
    body,
    token: env['DAPR_API_TOKEN'],
  });
  if (answer.status < 200 || answer.status >= 300) {
    const said = answer.body.length > 0 ? `: ${answer.body.toString()}` : '';
    throw new TroupeError(
      'UNAVAILABLE',
      `error publishing topic ${topic}: unexpected status code ${answer.status} on publishing to ${topic} in ${pubsub}${said}`,
    );
  }
  stdout.write('✅  Event published successfully\n');
  return 0;
}

function needed<T extends FlagTable>(
  flags: Readonly<Record<string, unknown>>,
  names: readonly (keyof T & string)[],
): void {
  const missing = names.filter((name) => flags[name] === '');
  if (missing.length === 0) return;
  throw new TroupeError(
    'INVALID_ARGUMENT',
    `required flag(s) ${missing.map((name) => `"${name}"`).join(', ')} not set`,
  );
}

async function bodyOf(
  { data, 'data-file': file }: { readonly data: string; readonly 'data-file': string },
  { cwd }: Surroundings,
): Promise<Uint8Array> {
  if (data !== '' && file !== '') {
    throw new TroupeError(
      'INVALID_ARGUMENT',
      'Only one of --data and --data-file allowed in the same command',
    );
  }
  if (file === '') return Buffer.from(data);
  return readFile(resolve(cwd, file)).catch((cause: unknown) => {
    throw new TroupeError(
      'INVALID_ARGUMENT',
      `Error reading payload from '${file}': ${(cause as Error).message}`,
      { cause },
    );
  });
}

async function placeOf(
  appId: string,
  socket: string,
  { env, cwd }: Surroundings,
): Promise<SidecarPlace> {
  if (socket !== '') return { path: socketFile(resolve(cwd, socket), appId, 'http') };
  const found = (await findInstances(env['DAPR_API_TOKEN'])).find(
    ({ listed }) => listed.appId === appId,
  );
  if (found) return found.place;
  throw new TroupeError(
    'NOT_FOUND',
    `app ID ${appId} not found: no running sidecar has it; see troupe list`,
  );
}

function metadataQuery(text: string): string {
  if (text === '') return '';
  let read: unknown;
  try {
    read = JSON.parse(text);
  } catch (cause) {
    throw new TroupeError(
      'INVALID_ARGUMENT',
      `Error parsing metadata as JSON: ${(cause as Error).message}`,
      { cause },
    );
  }
  if (typeof read !== 'object' || read === null || Array.isArray(read)) {
    throw new TroupeError('INVALID_ARGUMENT', 'metadata must be a JSON object');
  }
  const query = new URLSearchParams(
    Object.entries(read).map(([key, value]): [string, string] => [
      `metadata.${key}`,
      String(value),
    ]),
  );
  return query.size === 0 ? '' : `?${query.toString()}`;
}

const CLOUD_EVENT = ['id', 'source', 'specversion', 'type', 'data'];

function isCloudEvent(body: Uint8Array): boolean {
  try {
    const read: unknown = JSON.parse(Buffer.from(body).toString());
    return typeof read === 'object' && read !== null && CLOUD_EVENT.every((key) => key in read);
  } catch {
    return false;
  }
}
