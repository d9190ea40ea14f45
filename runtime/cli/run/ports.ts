/**
 * Chooses ports that are free now and will be when a program opens them a
 * moment later: below those that the system gives out by itself, since any
 * connection that leaves the machine may take one of these.
 */
import { createServer } from 'node:net';
import { TroupeError } from '../../core/errors.ts';

const LOWEST = 20_000;
const HIGHEST = 32_000;
const ATTEMPTS = 1000;

export interface Ports {
  /** A free port for 0 and below. Errors: INVALID_ARGUMENT when the named one is taken. */
  take(name: string, wanted?: number): Promise<number>;
}

function isFree(port: number): Promise<boolean> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

/** `random` gives a number from 0 up to 1. No port is given twice. */
export function createPorts(random: () => number): Ports {
  const taken = new Set<number>();
  const take = async (port: number): Promise<boolean> => {
    if (taken.has(port)) return false;
    taken.add(port);
    return isFree(port);
  };
  return {
    async take(name, wanted = 0) {
      if (wanted > 65_535) {
        throw new TroupeError(
          'INVALID_ARGUMENT',
          `invalid ${name} ${wanted}; the highest port is 65535`,
        );
      }
      if (wanted > 0) {
        if (await take(wanted)) return wanted;
        throw new TroupeError(
          'INVALID_ARGUMENT',
          `${name} ${wanted} is not available; choose another, or none for a free one`,
        );
      }
      for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
        const port = LOWEST + Math.floor(random() * (HIGHEST - LOWEST));
        if (await take(port)) return port;
      }
      throw new TroupeError('UNAVAILABLE', `no port from ${LOWEST} to ${HIGHEST} is free`);
    },
  };
}
