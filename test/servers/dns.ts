/**
 * A DNS server in the process of the test that needs it, on a free UDP port: it
 * speaks DNS as it is on the wire and answers from records that the test sets.
 */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { AUTHORITATIVE_ANSWER, decode, encode, type Answer } from 'dns-packet';

/** Codes of failures on the wire; `silent`: no answer at all. */
const FAILURES = { SERVFAIL: 2, REFUSED: 5 } as const;
const NXDOMAIN = 3;

/** What a name has: records without their name, or a failure. */
export type Records = readonly DnsRecord[] | keyof typeof FAILURES | 'silent';

export type DnsRecord = ReturnType<typeof a | typeof aaaa | typeof srv>;

export interface DnsServer extends AsyncDisposable {
  /** `127.0.0.1:port` */
  readonly address: string;
  /** Questions so far: `A shop.test`. */
  readonly asked: string[];
  set(name: string, records: Records): void;
  delete(name: string): void;
}

export const a = (address: string, ttl = 60) => ({ type: 'A', ttl, data: address }) as const;

export const aaaa = (address: string) => ({ type: 'AAAA', ttl: 60, data: address }) as const;

export const srv = (target: string, port: number, { priority = 0, weight = 0 } = {}) =>
  ({ type: 'SRV', ttl: 60, data: { target, port, priority, weight } }) as const;

export async function startDns(): Promise<DnsServer> {
  const names = new Map<string, Records>();
  const asked: string[] = [];

  function answer(message: Buffer): Buffer | undefined {
    const { id, questions = [] } = decode(message);
    const [{ name, type } = { name: '', type: 'A' as const }] = questions;
    asked.push(`${type} ${name}`);
    const records = names.get(name.toLowerCase());
    if (records === 'silent') return undefined;
    const isFailure = typeof records === 'string';
    const code = isFailure ? FAILURES[records] : records ? 0 : NXDOMAIN;
    const answers = isFailure ? [] : (records ?? []).filter((record) => record.type === type);
    return encode({
      ...{ id: id ?? 0, type: 'response', questions },
      flags: AUTHORITATIVE_ANSWER | code,
      answers: answers.map((record) => ({ ...record, name }) as Answer),
    });
  }

  const socket = createSocket('udp4');
  socket.on('message', (message, { address, port }) => {
    const bytes = answer(message);
    if (bytes) socket.send(bytes, port, address);
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return {
    address: `127.0.0.1:${socket.address().port}`,
    asked,
    set: (name, records) => void names.set(name, records),
    delete: (name) => void names.delete(name),
    async [Symbol.asyncDispose]() {
      socket.close();
      await once(socket, 'close');
    },
  };
}
