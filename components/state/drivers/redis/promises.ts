/**
 * Whether the server is set so that it keeps what a store of actors promises:
 * every write synced before its answer, and no row evicted. It is only told,
 * since a development server is rarely set so.
 */
import type { ComponentOptions } from '../../../component.ts';
import type { Connection } from '../../../redis/connection.ts';

/** Logs a warning for each setting that breaks the promise. A server that shows no settings is believed. */
export async function warnOfBrokenPromises(
  options: ComponentOptions,
  connection: Connection,
): Promise<void> {
  const read = async (pattern: string): Promise<Map<string, string>> => {
    const reply = (await connection.send(['CONFIG', 'GET', pattern], false)) as Buffer[];
    const texts = reply.map(String);
    return new Map(texts.flatMap((text, i) => (i % 2 === 0 ? [[text, texts[i + 1] ?? '']] : [])));
  };
  try {
    const log = await read('append*');
    const policy = (await read('maxmemory-policy')).get('maxmemory-policy') ?? 'noeviction';
    const fields = { component: options.name };
    const appendonly = log.get('appendonly');
    const appendfsync = log.get('appendfsync');
    if (appendonly !== 'yes' || appendfsync !== 'always')
      options.logger.warn(
        { ...fields, appendonly, appendfsync },
        'redis answers before it syncs: a crash of its machine can take acknowledged turns; set appendonly yes and appendfsync always',
      );
    if (policy !== 'noeviction')
      options.logger.warn(
        { ...fields, policy },
        'redis may evict the state of actors when memory is short; set maxmemory-policy noeviction',
      );
  } catch (cause) {
    // Hosted servers and restricted users may not read settings.
    options.logger.debug({ component: options.name, cause }, 'redis shows no settings');
  }
}
