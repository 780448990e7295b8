/**
 * Addresses to listen on: a TCP host and port, or a Unix socket's path; and the socket for operators.
 * Grammar only: proxy/listen/listeners.ts and admin/server.ts open them, collision.ts compares them.
 */
import { posix } from 'node:path';
import { formatHostPort, parseHostPort } from '../../lib/net/host-port.ts';

/** `host` has no brackets. Port 0 lets the system choose. */
export interface TcpAddress {
  readonly kind: 'tcp';
  readonly host: string;
  readonly port: number;
}

export type ListenAddress = TcpAddress | { readonly kind: 'unix'; readonly path: string };

/** The default path; systemd makes the folder for `RuntimeDirectory=etcd-lb`. */
export const usualAdminSocket = '/run/etcd-lb/admin.sock';

/**
 * Where operators reach a running balancer.
 *
 * - `auto`: the usual path if it can be opened, else none, and the log says so.
 * - `path`: this path; if it cannot be opened, the start fails.
 */
export type AdminSocket =
  | { readonly kind: 'auto' }
  | { readonly kind: 'off' }
  | { readonly kind: 'path'; readonly path: string };

/** Bytes in `sockaddr_un` on Linux, less the final zero. A longer path would be cut short. */
const longestPath = 107;

/**
 * `127.0.0.1:2379`, `[::1]:2379`, `localhost:2379`, `:2379` (every address: host `::`),
 * `unix:/run/x.sock` or `unix:///run/x.sock`. Throws `Error` with the reason.
 */
export function parseListenAddress(text: string): ListenAddress {
  if (text.startsWith('unix:')) return { kind: 'unix', path: parsePath(text) };
  return parseTcpAddress(text);
}

/** As `parseListenAddress`, for what can only be TCP. */
export function parseTcpAddress(text: string): TcpAddress {
  const quoted = JSON.stringify(text);
  if (text.startsWith('unix:')) {
    throw new Error(`${quoted} is a Unix socket; write host:port, such as 127.0.0.1:9379`);
  }
  if (text.includes('://')) {
    throw new Error(`${quoted} has a scheme; write host:port without it, such as 127.0.0.1:2379`);
  }
  const { host, port } = parseHostPort(text, 0);
  if (port === undefined) {
    throw new Error(`${quoted} has no port; write host:port, such as 127.0.0.1:2379 or :2379`);
  }
  return { kind: 'tcp', host: host === '' ? '::' : host, port };
}

/** The text that `parseListenAddress` reads back: `127.0.0.1:2379`, `[::1]:2379`, `unix:/run/x`. */
export function formatListenAddress(address: ListenAddress): string {
  if (address.kind === 'unix') return `unix:${address.path}`;
  return formatHostPort(address.host, address.port);
}

/** `auto`, `off`, `/path` or `unix:/path`. Throws `Error` with the reason. */
export function parseAdminSocket(text: string): AdminSocket {
  if (text === 'auto' || text === 'off') return { kind: text };
  if (/^(?:unix:|\/)/.test(text)) return { kind: 'path', path: parsePath(text) };
  throw new Error(
    `${JSON.stringify(text)} is not an absolute path; write one such as ${usualAdminSocket}, auto, or off`,
  );
}

function parsePath(text: string): string {
  const path = text.replace(/^unix:(?:\/\/)?/, '');
  if (!posix.isAbsolute(path)) {
    throw new Error(
      `${JSON.stringify(text)} is not an absolute path; write unix:/run/etcd-lb/etcd.sock`,
    );
  }
  if (Buffer.byteLength(path) > longestPath) {
    throw new Error(
      `${JSON.stringify(text)} is longer than the ${longestPath} bytes a socket's path can have; write a shorter one`,
    );
  }
  return posix.normalize(path);
}
