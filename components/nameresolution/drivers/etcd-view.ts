/** What one instance of `nameresolution.etcd` has seen of the hosts and services that are in etcd, by their keys. */
import type { Service, ServiceRegistration } from '../contract.ts';

export interface Seen extends Service {
  readonly weight: number;
}

/** As hosts and services are in etcd; a host has neither check nor status. */
interface Row {
  readonly host: string;
  readonly port: number;
  readonly weight: number;
  readonly check?: ServiceRegistration['check'];
  readonly status?: Service['status'];
}

const STATUSES: readonly Service['status'][] = ['starting', 'passing', 'failing'];

function rowIn(value: Buffer): Row | undefined {
  try {
    const { host, port, weight = 1, check, status } = JSON.parse(value.toString()) as Partial<Row>;
    if (typeof host !== 'string' || typeof port !== 'number') return undefined;
    if (status !== undefined && !STATUSES.includes(status)) return undefined;
    return { host, port, weight, ...(check ? { check } : {}), ...(status ? { status } : {}) };
  } catch {
    return undefined;
  }
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

export class EtcdView {
  readonly #root: string;
  /** By name, then by key. */
  readonly #names = new Map<string, Map<string, Seen>>();

  /** @param root of the keys; ends with `/`. */
  constructor(root: string) {
    this.#root = root;
  }

  /** Where all of a name are; ends with `/`. */
  prefixOf(name: string): string {
    return `${this.#root}${encodeURIComponent(name)}/`;
  }

  keyOf(name: string, id: string): string {
    return this.prefixOf(name) + encodeURIComponent(id);
  }

  /** Takes what is under a key; undefined: nothing. */
  put(key: string, value: Buffer | undefined): void {
    const [name = '', id = ''] = key.slice(this.#root.length).split('/').map(decoded);
    const all = this.#names.get(name) ?? new Map<string, Seen>();
    const row = value && rowIn(value);
    if (row) {
      const { host: address, port, weight, check, status = 'passing' } = row;
      all.set(key, { name, id, address, port, weight, status, ...(check ? { check } : {}) });
    } else all.delete(key);
    if (all.size > 0) this.#names.set(name, all);
    else this.#names.delete(name);
  }

  clear(): void {
    this.#names.clear();
  }

  list(name?: string): readonly Seen[] {
    if (name !== undefined) return [...(this.#names.get(name)?.values() ?? [])];
    return [...this.#names.values()].flatMap((all) => [...all.values()]);
  }
}

/** A service as it is written under its key. */
export function rowOf({ name, address, port, check, status }: Service): string {
  return JSON.stringify({ appId: name, host: address, port, weight: 1, check, status });
}
