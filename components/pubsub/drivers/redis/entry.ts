/**
 * An event as an entry of a stream: the fields `data` and `metadata` (JSON) as
 * daprd writes and reads them, and `contenttype`, which daprd passes over.
 */
import type { BrokerMessage } from '../../contract.ts';

export function fieldsOf({ data, metadata, contentType }: BrokerMessage): (string | Buffer)[] {
  return [
    'data',
    Buffer.from(data),
    ...(metadata === undefined ? [] : ['metadata', JSON.stringify(metadata)]),
    ...(contentType === undefined ? [] : ['contenttype', contentType]),
  ];
}

export interface Entry {
  readonly id: string;
  readonly message: BrokerMessage;
}

function textsOf(json: Buffer | undefined): Record<string, string> | undefined {
  if (!json) return undefined;
  try {
    const value: unknown = JSON.parse(json.toString());
    if (typeof value !== 'object' || value === null) return undefined;
    return Object.fromEntries(Object.entries(value).map(([name, text]) => [name, String(text)]));
  } catch {
    return undefined;
  }
}

/** Undefined for an entry that was deleted while somebody had it in handling. */
function entryOf(topic: string, [id, fields]: RawEntry): Entry | undefined {
  if (fields === null) return undefined;
  const values = new Map<string, Buffer>();
  for (let i = 0; i + 1 < fields.length; i += 2) {
    values.set(fields[i]!.toString().toLowerCase(), fields[i + 1]!);
  }
  const metadata = textsOf(values.get('metadata'));
  const contentType = values.get('contenttype')?.toString();
  return {
    id: id.toString(),
    message: {
      topic,
      data: new Uint8Array(values.get('data') ?? []),
      ...(metadata === undefined ? {} : { metadata }),
      ...(contentType === undefined ? {} : { contentType }),
    },
  };
}

type RawEntry = [id: Buffer, fields: Buffer[] | null];

function entriesOf(topic: string, raw: readonly RawEntry[]): Entry[] {
  return raw.flatMap((entry) => entryOf(topic, entry) ?? []);
}

/** The reply of XREADGROUP for one stream. */
export function readEntries(topic: string, reply: unknown): Entry[] {
  const streams = reply as [[name: Buffer, entries: RawEntry[]]] | null;
  return streams === null ? [] : entriesOf(topic, streams[0][1]);
}

/** The reply of XAUTOCLAIM: where to go on, and the entries. */
export function claimedEntries(topic: string, reply: unknown): { next: string; entries: Entry[] } {
  const [next, raw] = reply as [Buffer, RawEntry[]];
  return { next: next.toString(), entries: entriesOf(topic, raw) };
}
