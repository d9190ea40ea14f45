/**
 * Services of `nameresolution.etcd`. Those that registered with this host are
 * kept and checked by its catalogue, as those of memory are, and each is a key in
 * etcd with how it is; those of other hosts are what was seen there.
 */
import type { ComponentOptions } from '../../component.ts';
import type { KeptKeys } from '../../etcd/kept-keys.ts';
import type { Service, ServiceRegistry } from '../contract.ts';
import type { ServiceCatalogue } from '../service-catalogue.ts';
import { rowOf, type EtcdView, type Seen } from './etcd-view.ts';

/** After a failure; the catalogue wakes it otherwise. */
const RETRY_MS = 1_000;
const IDLE_MS = 3_600_000;

export class EtcdServices implements ServiceRegistry {
  readonly #options: ComponentOptions;
  readonly #catalogue: ServiceCatalogue;
  readonly #keys: KeptKeys;
  readonly #view: EtcdView;
  /** Keys of services that are kept for this host. */
  readonly #own = new Set<string>();
  readonly #following: Promise<void>;
  #isClosed = false;

  constructor(
    options: ComponentOptions,
    parts: {
      readonly catalogue: ServiceCatalogue;
      readonly keys: KeptKeys;
      readonly view: EtcdView;
    },
  ) {
    this.#options = options;
    this.#catalogue = parts.catalogue;
    this.#keys = parts.keys;
    this.#view = parts.view;
    this.#following = this.#follow();
  }

  register(...given: Parameters<ServiceRegistry['register']>): void {
    this.#catalogue.register(...given);
  }

  heartbeat(id: string): void {
    this.#catalogue.heartbeat(id);
  }

  deregister(id: string): void {
    this.#catalogue.deregister(id);
  }

  list(name?: string): readonly Seen[] {
    const own = this.#catalogue.list(name).map((service) => ({ ...service, weight: 1 }));
    return [...own, ...this.#view.list(name).filter(({ id }) => !this.#catalogue.has(id))];
  }

  revision(): number {
    return this.#catalogue.revision();
  }

  changed(...given: Parameters<ServiceRegistry['changed']>): Promise<boolean> {
    return this.#catalogue.changed(...given);
  }

  /** Hears of a key that changed in etcd. */
  onChange(key: string, isGone: boolean): void {
    if (isGone) this.#keys.lost(key);
    if (isGone || !this.#keys.keeps(key)) this.#catalogue.touch();
  }

  /** Hears that changes were missed, and all was read again. */
  onGap(): void {
    this.#catalogue.touch();
  }

  /** Idempotent. The keys are for the owner to take back. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#catalogue.close();
    await this.#following;
  }

  /** Brings the catalogue into etcd, change by change. */
  async #follow(): Promise<void> {
    while (!this.#isClosed) {
      const revision = this.#catalogue.revision();
      let waitMs = IDLE_MS;
      try {
        this.#plan(this.#catalogue.list());
        await this.#keys.bring();
      } catch (cause) {
        waitMs = RETRY_MS;
        const { name, logger } = this.#options;
        logger.warn({ component: name, cause }, 'services are not in etcd yet; it is tried again');
      }
      await this.#catalogue.changed(revision, { waitMs });
    }
  }

  #plan(services: readonly Service[]): void {
    const rows = new Map(
      services.map((service) => [this.#view.keyOf(service.name, service.id), rowOf(service)]),
    );
    for (const key of this.#own) {
      if (rows.has(key)) continue;
      this.#own.delete(key);
      this.#keys.keep(key, undefined);
    }
    for (const [key, row] of rows) {
      this.#own.add(key);
      this.#keys.keep(key, row);
    }
  }
}
