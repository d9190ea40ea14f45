/**
 * Look-ups of `nameresolution.dns`: questions to the servers, one at a time for a
 * name, and what they answered, kept while it may be used. While the servers
 * fail, the last answer is used for a while longer.
 */
import { Resolver } from 'node:dns/promises';
import { ComponentError } from '../../../runtime/core/errors.ts';
import type { ComponentOptions } from '../../component.ts';
import type { HostAddress } from '../contract.ts';

/** How often a server is asked before the look-up fails. */
const TRIES = 2;
/** How long an answer stands in for one that the servers do not give, and when they are asked again. */
const STALE_MS = 60_000;
const RETRY_MS = 1_000;
const MOST_NAMES = 10_000;

export interface LookupSettings {
  readonly records: 'address' | 'service';
  /** Of addresses. */
  readonly port: number;
  /** Undefined: those of the system. */
  readonly servers: readonly string[] | undefined;
  readonly timeoutMs: number;
  readonly ttlMs: number;
}

export interface DnsHost extends HostAddress {
  readonly id: string;
  readonly weight: number;
}

interface Answer {
  readonly hosts: readonly DnsHost[];
  readonly until: number;
  readonly staleUntil: number;
}

/** A host, and the seconds that its address may be used. */
interface Found {
  readonly host: DnsHost;
  readonly ttl: number;
}

const WORDS: Readonly<Record<string, string>> = {
  ETIMEOUT: 'no answer in time',
  ECONNREFUSED: 'nobody answers there',
  ESERVFAIL: 'the server failed (SERVFAIL)',
  EREFUSED: 'the server refused (REFUSED)',
};

const codeOf = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? 'unknown';

/** No such name (NXDOMAIN), no records of the kind, or a name that cannot be. */
function none(error: unknown): [] {
  if (['ENOTFOUND', 'ENODATA', 'EBADNAME'].includes(codeOf(error))) return [];
  throw error;
}

/** True for addresses of servers as the resolver takes them. */
export function hasServers(servers: readonly string[]): boolean {
  try {
    new Resolver().setServers(servers);
    return true;
  } catch {
    return false;
  }
}

const found = (host: string, port: number, weight: number, ttl: number): Found => ({
  host: { id: `${host} ${port}`, host, port, weight },
  ttl,
});

export class DnsLookups {
  readonly #options: ComponentOptions;
  readonly #settings: LookupSettings;
  readonly #resolver: Resolver;
  readonly #answers = new Map<string, Answer>();
  readonly #running = new Map<string, Promise<readonly DnsHost[]>>();

  constructor(options: ComponentOptions, settings: LookupSettings) {
    this.#options = options;
    this.#settings = settings;
    this.#resolver = new Resolver({ timeout: settings.timeoutMs, tries: TRIES });
    if (settings.servers) this.#resolver.setServers(settings.servers);
  }

  /** Hosts of the name; none when there is no such name. Errors: UNAVAILABLE. */
  find(name: string): Promise<readonly DnsHost[]> {
    const known = this.#answers.get(name);
    if (known && this.#options.now() < known.until) return Promise.resolve(known.hosts);
    let running = this.#running.get(name);
    if (!running) {
      running = this.#renew(name, known).finally(() => this.#running.delete(name));
      this.#running.set(name, running);
    }
    return running;
  }

  /** What the servers say now. Errors: UNAVAILABLE. */
  async ask(name: string): Promise<readonly Found[]> {
    try {
      return await (this.#settings.records === 'service'
        ? this.#services(name)
        : this.#addresses(name, this.#settings.port, 1));
    } catch (cause) {
      const code = codeOf(cause);
      const servers = this.#resolver.getServers().join(', ');
      throw new ComponentError(
        this.#options,
        `cannot look up "${name}" at ${servers}: ${WORDS[code] ?? code}`,
        { code: 'UNAVAILABLE', cause, details: { name, dns: code } },
      );
    }
  }

  /** Questions under way fail. */
  close(): void {
    this.#resolver.cancel();
    this.#answers.clear();
  }

  async #renew(name: string, known: Answer | undefined): Promise<readonly DnsHost[]> {
    const { now, name: component, logger } = this.#options;
    try {
      const all = await this.ask(name);
      const hosts = all.map(({ host }) => host);
      const ttlMs = Math.min(this.#settings.ttlMs, ...all.map(({ ttl }) => ttl * 1_000));
      this.#answers.delete(name);
      if (hosts.length > 0)
        this.#keep(name, { hosts, until: now() + ttlMs, staleUntil: now() + ttlMs + STALE_MS });
      return hosts;
    } catch (cause) {
      if (!known || now() >= known.staleUntil) throw cause;
      logger.warn({ component, cause }, 'the last answer is used while DNS gives none');
      this.#keep(name, { ...known, until: now() + RETRY_MS });
      return known.hosts;
    }
  }

  #keep(name: string, answer: Answer): void {
    if (this.#answers.size >= MOST_NAMES && !this.#answers.has(name)) {
      const [oldest] = this.#answers.keys();
      this.#answers.delete(oldest!);
    }
    this.#answers.set(name, answer);
  }

  async #addresses(name: string, port: number, weight: number): Promise<readonly Found[]> {
    // A host that has both would count twice.
    let records = await this.#resolver.resolve4(name, { ttl: true }).catch(none);
    if (records.length === 0)
      records = await this.#resolver.resolve6(name, { ttl: true }).catch(none);
    return records.map(({ address, ttl }) => found(address, port, weight, ttl));
  }

  async #services(name: string): Promise<readonly Found[]> {
    const records = await this.#resolver.resolveSrv(name).catch(none);
    const targets = await Promise.allSettled(
      records.map(async ({ name: target, port, weight, priority }) => ({
        priority,
        // A target that is the root says that there is no such service.
        hosts: /^\.?$/.test(target) ? [] : await this.#addresses(target, port, Math.max(1, weight)),
      })),
    );
    const there = targets
      .flatMap((target) => (target.status === 'fulfilled' ? [target.value] : []))
      .filter(({ hosts }) => hosts.length > 0);
    const failed = targets.find(({ status }) => status === 'rejected');
    if (there.length === 0 && failed) throw (failed as PromiseRejectedResult).reason;
    const least = Math.min(...there.map(({ priority }) => priority));
    return there.filter(({ priority }) => priority === least).flatMap(({ hosts }) => hosts);
  }
}
