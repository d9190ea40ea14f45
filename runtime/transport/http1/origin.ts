/**
 * A client of HTTP/1.1 for one origin: connections that are kept, the one used
 * last first, one exchange on each at a time; bodies streamed both ways at the
 * pace of whoever is slower. It follows no redirect, sends nothing twice, adds
 * no header but `host` and the framing, and has no timeout of its own.
 */
import { connect, isIP, type Socket } from 'node:net';
import { connect as connectSecure, type ConnectionOptions } from 'node:tls';
import { Connection } from './connection.ts';
import { Exchange, type HttpAnswer, type HttpRequest } from './exchange.ts';

export interface HttpOriginOptions {
  readonly host: string;
  readonly port: number;
  /** Given: connections are TLS. */
  readonly tls?: ConnectionOptions | undefined;
  /** Connections that may be open at once; more requests wait. Default: no bound. */
  readonly maxConnections?: number | undefined;
  /** Told when the last connection has closed. */
  readonly emptied?: () => void;
}

export interface HttpOrigin {
  /** Errors: TypeError for what cannot be sent, else what ended the request before its answer. */
  send(request: HttpRequest): Promise<HttpAnswer>;
  close(): Promise<void>;
}

export function createHttpOrigin(options: HttpOriginOptions): HttpOrigin {
  const { host, port, tls, maxConnections = Infinity, emptied } = options;
  const name = host.includes(':') ? `[${host}]` : host;
  const hostHeader = port === (tls ? 443 : 80) ? name : `${name}:${port}`;
  const open = new Set<Connection>();
  const idle: Connection[] = [];
  const waiting: Exchange[] = [];
  let isClosed = false;

  const owner = {
    free(connection: Connection): void {
      const next = nextWaiting();
      if (next) {
        connection.start(next);
        return;
      }
      idle.push(connection);
      connection.socket.unref();
    },
    closed(connection: Connection): void {
      open.delete(connection);
      const at = idle.indexOf(connection);
      if (at >= 0) idle.splice(at, 1);
      const next = nextWaiting();
      if (next) openConnection().start(next);
      else if (open.size === 0) emptied?.();
    },
  };

  function nextWaiting(): Exchange | undefined {
    for (let next = waiting.shift(); next; next = waiting.shift()) if (!next.isOver) return next;
    return undefined;
  }

  function openConnection(): Connection {
    const to = { host, port, noDelay: true, keepAlive: true, keepAliveInitialDelay: 1000 };
    const socket: Socket = tls
      ? connectSecure({
          ...to,
          servername: isIP(host) ? '' : host,
          ALPNProtocols: ['http/1.1'],
          ...tls,
        })
      : connect(to);
    const connection = new Connection(socket, owner);
    open.add(connection);
    return connection;
  }

  function idleConnection(): Connection | undefined {
    for (let connection = idle.pop(); connection; connection = idle.pop()) {
      if (connection.isGood) {
        connection.socket.ref();
        return connection;
      }
      connection.destroy();
    }
    return undefined;
  }

  function run(exchange: Exchange): void {
    const connection = idleConnection();
    if (connection) connection.start(exchange);
    else if (open.size < maxConnections) openConnection().start(exchange);
    else waiting.push(exchange);
  }

  return {
    send: (request) =>
      new Promise((resolve, reject) => {
        const exchange = new Exchange(request, hostHeader, { resolve, reject });
        if (isClosed) exchange.fail(new Error('its connections are closed'));
        if (!exchange.isOver) run(exchange);
      }),
    close() {
      isClosed = true;
      for (const exchange of waiting.splice(0))
        exchange.fail(new Error('its connections are closed'));
      for (const connection of open) connection.destroy();
      return Promise.resolve();
    },
  };
}
