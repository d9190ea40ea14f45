/**
 * `nameresolution.mdns`: hosts of one network find each other by multicast DNS,
 * as daprd does: the app id is the service, the instance is named by machine and
 * process, a TXT record repeats the app id. The first answer counts; what was
 * found is remembered for a minute and asked for again meanwhile.
 */
import { createSocket } from 'node:dgram';
import { hostname, networkInterfaces } from 'node:os';
import createMdns from 'multicast-dns';
import { ComponentError } from '../../../runtime/core/errors.ts';
import type { ComponentOptions, Driver } from '../../component.ts';
import type { HostAddress, HostInstance, NameResolver } from '../contract.ts';
import { notFound } from '../not-found.ts';
import { AddressBook, addressesIn, recordsOf } from './mdns-records.ts';

const PORT = 5353;
/** How long an unknown app is asked for, and how often meanwhile: a packet may get lost. */
const RESOLVE_MS = 2000;
const ASK_AGAIN_MS = [100, 400, 1000];
const REFRESH_MS = 30_000;

/** DNS cannot carry longer parts of a name. */
const isName = (appId: string): boolean =>
  appId.split('.').every((label) => label !== '' && Buffer.byteLength(label) <= 63);

/** The first address of this machine that others can reach; loopback when there is none. */
function ownAddress(): string {
  const all = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  return all.find(({ family, internal }) => family === 'IPv4' && !internal)?.address ?? '127.0.0.1';
}

async function openSocket(options: ComponentOptions): Promise<createMdns.MulticastDNS> {
  const socket = createSocket({ type: 'udp4', reuseAddr: true });
  // Listening for neighbours keeps no process alive.
  socket.unref();
  const isAlone = ownAddress() === '127.0.0.1';
  const mdns = createMdns({
    socket,
    port: PORT,
    bind: '0.0.0.0',
    ...(isAlone ? { interface: '127.0.0.1' } : {}),
  });
  mdns.on('warning', (cause: Error) => {
    options.logger.debug({ component: options.name, cause }, 'mdns warning');
  });
  return new Promise((resolve, reject) => {
    mdns.once('ready', () => resolve(mdns));
    mdns.once('error', (cause: Error) =>
      reject(
        new ComponentError(options, `UDP port ${PORT} cannot be opened: ${cause.message}`, {
          code: 'UNAVAILABLE',
          cause,
        }),
      ),
    );
  });
}

export const driver: Driver<NameResolver> = {
  fields: [],
  async create(options, { signal }) {
    if (signal.aborted)
      throw new ComponentError(options, 'was not created: cancelled', { code: 'CANCELLED' });
    const mdns = await openSocket(options);
    const book = new AddressBook(options.now);
    const waiting = new Map<string, Set<() => void>>();
    let mine: HostInstance | undefined;
    const instance = `${hostname()}:${process.pid}`;
    let refresh: { cancel(): void } | undefined;
    let closed = false;

    function requireOpen(): void {
      if (closed) throw new ComponentError(options, 'is closed; create it again to use it');
    }

    const recordsOfMine = (ttl?: number) =>
      recordsOf({ ...mine!, instance: `${instance}-${mine!.port}`, machine: hostname() }, ttl);

    mdns.on('query', ({ questions = [] }) => {
      if (!mine) return;
      const records = recordsOfMine();
      const names = new Set([...records.answers, ...records.additionals].map(({ name }) => name));
      const isAsked = questions.some(({ name }) => names.has(name.toLowerCase()));
      if (isAsked) mdns.respond(records);
    });
    mdns.on('response', (packet) => {
      for (const { appId, address, gone } of addressesIn(packet)) {
        // Only what somebody here has asked for is worth remembering.
        if (!book.knows(appId)) continue;
        if (gone) book.remove(appId, address);
        else book.add(appId, address);
        for (const wake of waiting.get(appId) ?? []) wake();
      }
    });

    const ask = (appId: string): void =>
      mdns.query({ questions: [{ name: `${appId.toLowerCase()}.local`, type: 'PTR' }] });

    function refreshLater(): void {
      refresh = options.timer(REFRESH_MS, () => {
        for (const appId of book.apps()) ask(appId);
        if (!closed) refreshLater();
      });
    }
    refreshLater();

    /** The network answers in real time, whatever the component's clock says. */
    async function browse(appId: string, abort: AbortSignal | undefined): Promise<HostAddress> {
      const key = appId.toLowerCase();
      const { promise, resolve } = Promise.withResolvers<void>();
      const wakes = waiting.get(key) ?? new Set();
      waiting.set(key, wakes.add(resolve));
      const timers = ASK_AGAIN_MS.map((ms) => setTimeout(ask, ms, appId));
      timers.push(setTimeout(resolve, RESOLVE_MS));
      abort?.addEventListener('abort', () => resolve(), { once: true });
      try {
        book.expect(key);
        ask(appId);
        await promise;
      } finally {
        for (const timer of timers) clearTimeout(timer);
        wakes.delete(resolve);
        if (wakes.size === 0) waiting.delete(key);
      }
      const found = book.next(key);
      if (found) return found;
      book.forget(key);
      if (!abort?.aborted) throw notFound(appId);
      throw new ComponentError(options, `was told to stop looking for "${appId}"`, {
        code: 'CANCELLED',
      });
    }

    async function close(): Promise<void> {
      if (closed) return;
      closed = true;
      refresh?.cancel();
      for (const wakes of waiting.values()) for (const wake of wakes) wake();
      if (mine)
        await new Promise<void>((resolve) => mdns.respond(recordsOfMine(0), () => resolve()));
      await new Promise<void>((resolve) => mdns.destroy(() => resolve()));
    }

    return {
      features: [],
      async register(given) {
        requireOpen();
        if (mine) throw new ComponentError(options, `"${given.appId}" is registered already`);
        if (!isName(given.appId)) {
          const why = 'multicast DNS cannot carry this app id; nobody will find this host';
          options.logger.warn({ component: options.name, appId: given.appId }, why);
          return;
        }
        const isAny = given.host === '' || given.host === '0.0.0.0' || given.host === '::';
        mine = { ...given, host: isAny ? ownAddress() : given.host };
        mdns.respond(recordsOfMine(), (cause) => {
          if (cause)
            options.logger.warn(
              { component: options.name, cause },
              'this host could not be announced; others will find it only by asking',
            );
        });
      },
      async resolve({ appId }, { signal: abort } = {}) {
        requireOpen();
        if (!isName(appId)) throw notFound(appId);
        return book.next(appId.toLowerCase()) ?? browse(appId, abort);
      },
      async ping() {
        requireOpen();
      },
      close,
      [Symbol.asyncDispose]: close,
    };
  },
};
