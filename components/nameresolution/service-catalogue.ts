/**
 * Services that registered themselves, in memory: those with a health check are
 * passing or failing by it, the others stay while they give signs. A failing
 * service is kept and checked on, so that it comes back by itself, and forgotten
 * when it has failed for long.
 */
import { TroupeError } from '../../runtime/core/errors.ts';
import type { ComponentOptions, MetadataField } from '../component.ts';
import type { MetadataReader } from '../metadata.ts';
import type { Service, ServiceRegistration, ServiceRegistry } from './contract.ts';
import { startHealthCheck } from './health-check.ts';

const MAX_SERVICES = 10_000;
const FORGET_MS = 600_000;

export interface CatalogueOptions extends Pick<ComponentOptions, 'timer' | 'now' | 'logger'> {
  /** How long a service without a check stays without a sign. */
  readonly ttlMs: number;
  /** Of one check. */
  readonly timeoutMs: number;
  /** Checks in a row that fail before the service counts as failing. */
  readonly failures: number;
}

/** Fields of health checks, which every component with a catalogue has. */
export const checkFields: readonly MetadataField[] = [
  {
    name: 'checkTimeout',
    description: 'How long a health check may take. At least `100ms`; default `2s`.',
  },
  {
    name: 'failures',
    description: 'Checks in a row that fail before a service is not answered. Default `3`.',
  },
];

/** A catalogue by these fields and `ttlField`, how long a service without a check stays without a sign. */
export function openCatalogue(
  { timer, now, logger }: ComponentOptions,
  metadata: MetadataReader,
  ttlField: string,
): ServiceCatalogue {
  const least = (name: string, ms: number, otherwise: number): number => {
    const value = metadata.duration(name) ?? otherwise;
    if (value < ms) throw metadata.refuse(name, `must be at least ${ms}ms`);
    return value;
  };
  return new ServiceCatalogue({
    ...{ timer, now, logger },
    ttlMs: least(ttlField, 1_000, 30_000),
    timeoutMs: least('checkTimeout', 100, 2_000),
    failures: metadata.count('failures', 1) ?? 3,
  });
}

interface Entry {
  service: Service;
  failed: number;
  failingSince: number | undefined;
  /** Of the check, or of the time to live. */
  watch: { cancel(): void };
}

export class ServiceCatalogue implements ServiceRegistry {
  readonly #options: CatalogueOptions;
  readonly #entries = new Map<string, Entry>();
  readonly #waiting = new Set<() => void>();
  #revision = 1;
  #isClosed = false;

  constructor(options: CatalogueOptions) {
    this.#options = options;
  }

  register(registration: ServiceRegistration): void {
    const { id, name, check } = registration;
    const before = this.#entries.get(id);
    if (before && before.service.name !== name)
      throw new TroupeError('CONFLICT', `id "${id}" is of service "${before.service.name}"`);
    if (before && isSame(before.service, registration)) return this.heartbeat(id);
    if (!before && this.#entries.size >= MAX_SERVICES) {
      const text = `${MAX_SERVICES} services are registered; "${id}" has no place`;
      throw new TroupeError('OVERLOADED', text);
    }
    before?.watch.cancel();
    const entry: Entry = {
      service: { ...registration, status: check ? 'starting' : 'passing' },
      failed: 0,
      failingSince: undefined,
      watch: { cancel() {} },
    };
    this.#entries.set(id, entry);
    entry.watch = check ? this.#checked(entry, check) : this.#mortal(entry);
    this.#change();
  }

  heartbeat(id: string): void {
    const entry = this.#find(id);
    if (entry.service.check) return;
    entry.watch.cancel();
    entry.watch = this.#mortal(entry);
  }

  deregister(id: string): void {
    this.#remove(this.#find(id));
  }

  list(name?: string): readonly Service[] {
    const all = [...this.#entries.values()].map(({ service }) => service);
    return name === undefined ? all : all.filter((service) => service.name === name);
  }

  revision(): number {
    return this.#revision;
  }

  changed(
    revision: number,
    { waitMs, signal }: { readonly waitMs: number; readonly signal?: AbortSignal },
  ): Promise<boolean> {
    if (this.#revision > revision) return Promise.resolve(true);
    if (this.#isClosed || signal?.aborted) return Promise.resolve(false);
    return new Promise((resolve) => {
      const wake = (): void => {
        this.#waiting.delete(wake);
        timer.cancel();
        signal?.removeEventListener('abort', wake);
        resolve(this.#revision > revision);
      };
      const timer = this.#options.timer(waitMs, wake);
      signal?.addEventListener('abort', wake, { once: true });
      this.#waiting.add(wake);
    });
  }

  /** Counts a change of what its owner lists beside these. */
  touch(): void {
    this.#change();
  }

  has(id: string): boolean {
    return this.#entries.has(id);
  }

  close(): void {
    this.#isClosed = true;
    for (const { watch } of this.#entries.values()) watch.cancel();
    this.#entries.clear();
    for (const wake of this.#waiting) wake();
  }

  #checked(entry: Entry, check: NonNullable<Service['check']>): { cancel(): void } {
    return startHealthCheck(this.#options, {
      url: check.http,
      intervalMs: check.intervalMs,
      timeoutMs: this.#options.timeoutMs,
      onResult: (isWell) => this.#judge(entry, isWell),
    });
  }

  #judge(entry: Entry, isWell: boolean): void {
    const { now, failures } = this.#options;
    entry.service = { ...entry.service, checkedAt: now() };
    if (isWell) {
      entry.failed = 0;
      entry.failingSince = undefined;
      this.#become(entry, 'passing');
      return;
    }
    if (++entry.failed < failures) return;
    entry.failingSince ??= now();
    this.#become(entry, 'failing');
    if (now() - entry.failingSince >= FORGET_MS) this.#remove(entry);
  }

  #become(entry: Entry, status: Service['status']): void {
    const { id, name } = entry.service;
    if (entry.service.status === status) return;
    entry.service = { ...entry.service, status };
    this.#change();
    if (status === 'failing')
      this.#options.logger.warn({ service: name, id }, 'a service fails its health check');
  }

  #mortal(entry: Entry): { cancel(): void } {
    return this.#options.timer(this.#options.ttlMs, () => this.#remove(entry));
  }

  #remove(entry: Entry): void {
    entry.watch.cancel();
    this.#entries.delete(entry.service.id);
    this.#change();
  }

  #find(id: string): Entry {
    const entry = this.#entries.get(id);
    if (entry) return entry;
    throw new TroupeError(
      'NOT_FOUND',
      `no service is registered with id "${id}"; register it again`,
    );
  }

  #change(): void {
    this.#revision++;
    for (const wake of this.#waiting) wake();
  }
}

function isSame(one: ServiceRegistration, other: ServiceRegistration): boolean {
  return (
    one.address === other.address &&
    one.port === other.port &&
    one.check?.http === other.check?.http &&
    one.check?.intervalMs === other.check?.intervalMs
  );
}
