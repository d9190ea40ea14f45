/** DNS records of a host as zeroconf has them, what such records tell, and a book of what was told. */
import type { Answer, Packet } from 'dns-packet';
import type { HostAddress } from '../contract.ts';

const TTL_SECONDS = 120;
const REMEMBER_MS = 60_000;

export interface Announced {
  readonly appId: string;
  /** Unique to the process. */
  readonly instance: string;
  readonly machine: string;
  readonly host: string;
  readonly port: number;
}

export interface Records {
  readonly answers: Answer[];
  readonly additionals: Answer[];
}

/** `ttl` 0 takes the host back. Names are in lower case. */
export function recordsOf(of: Announced, ttl: number = TTL_SECONDS): Records {
  const service = `${of.appId}.local`.toLowerCase();
  const name = `${of.instance}.${service}`.toLowerCase();
  // An address for each instance: one machine has several hosts, not all on the same address.
  const target = `${of.instance.replaceAll(/[^\w-]/g, '-')}.local`.toLowerCase();
  return {
    answers: [{ name: service, type: 'PTR', ttl, data: name }],
    additionals: [
      { name, type: 'SRV', ttl, data: { port: of.port, target, priority: 0, weight: 0 } },
      { name, type: 'TXT', ttl, data: [of.appId] },
      { name: target, type: of.host.includes(':') ? 'AAAA' : 'A', ttl, data: of.host },
    ],
  };
}

export interface Told {
  /** In lower case. */
  readonly appId: string;
  readonly address: HostAddress;
  readonly gone: boolean;
}

/** Hosts that a packet tells of completely: service, port, app id and address. */
export function addressesIn({ answers = [], additionals = [] }: Packet): Told[] {
  const records = [...answers, ...additionals];
  const told: Told[] = [];
  for (const record of records) {
    if (record.type !== 'SRV') continue;
    const { port, target } = record.data;
    const texts = records.flatMap((one) =>
      one.type === 'TXT' && same(one, record) ? [one.data] : [],
    );
    const [appId] = texts.flat().map(String);
    const isOf = (one: Answer): boolean => one.name.toLowerCase() === target.toLowerCase();
    // IPv4 first, as daprd has it.
    const host = ['A', 'AAAA'].flatMap((type) =>
      records.flatMap((one) =>
        one.type === type && isOf(one) ? [String((one as { data: unknown }).data)] : [],
      ),
    )[0];
    if (!appId || host === undefined) continue;
    // The service that the instance belongs to has to be the app that it says it is.
    if (!record.name.toLowerCase().endsWith(`.${appId.toLowerCase()}.local`)) continue;
    told.push({ appId: appId.toLowerCase(), address: { host, port }, gone: record.ttl === 0 });
  }
  return told;
}

const same = (a: Answer, b: Answer): boolean => a.name.toLowerCase() === b.name.toLowerCase();

interface Entry {
  readonly address: HostAddress;
  until: number;
}

/** Addresses by app id; each is good for a minute. */
export class AddressBook {
  readonly #now: () => number;
  readonly #entries = new Map<string, Entry[]>();
  #turn = 0;

  constructor(now: () => number) {
    this.#now = now;
  }

  apps(): Iterable<string> {
    return this.#entries.keys();
  }

  knows(appId: string): boolean {
    return this.#entries.has(appId);
  }

  /** Somebody wants to know of the app. */
  expect(appId: string): void {
    if (!this.#entries.has(appId)) this.#entries.set(appId, []);
  }

  forget(appId: string): void {
    this.#entries.delete(appId);
  }

  add(appId: string, address: HostAddress): void {
    const entries = this.#entries.get(appId) ?? [];
    this.#entries.set(appId, entries);
    const until = this.#now() + REMEMBER_MS;
    const known = entries.find((entry) => isSame(entry.address, address));
    if (known) known.until = until;
    else entries.push({ address, until });
  }

  remove(appId: string, address: HostAddress): void {
    const entries = this.#entries.get(appId) ?? [];
    this.#entries.set(
      appId,
      entries.filter((entry) => !isSame(entry.address, address)),
    );
  }

  /** One host of the app, each in its turn. */
  next(appId: string): HostAddress | undefined {
    const all = this.#entries.get(appId);
    if (!all) return undefined;
    const alive = all.filter(({ until }) => until > this.#now());
    if (alive.length !== all.length) this.#entries.set(appId, alive);
    return alive.length === 0 ? undefined : alive[this.#turn++ % alive.length]!.address;
  }
}

const isSame = (a: HostAddress, b: HostAddress): boolean => a.host === b.host && a.port === b.port;
