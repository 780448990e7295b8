/**
 * `host:port`, which listen addresses and endpoints have in common. A parsed host has one spelling,
 * so that equal hosts are equal strings: names in lower case, IPv6 in its canonical
 * form without brackets. listen.ts and endpoint.ts define what an absent host or port means.
 */
import { isIPv4, isIPv6 } from 'node:net';

export interface HostPort {
  /** Empty where the text has none. */
  readonly host: string;
  readonly port: number | undefined;
}

/**
 * `host:port`, `host`, `:port`, with an IPv6 address in brackets. Ports below `lowestPort` and above
 * 65535 are refused. Throws `Error` with the reason.
 */
export function parseHostPort(text: string, lowestPort: 0 | 1): HostPort {
  if (text.split(':').length > 2 && !text.startsWith('[')) {
    throw new Error(
      `${JSON.stringify(text)} has more than one colon; write IPv6 in brackets, such as [::1]:2379`,
    );
  }
  const match = /^(\[[^\]]*\]|[^:[\]]*)(?::(.*))?$/s.exec(text);
  if (match === null) throw notAHost(text);
  const [, host = '', port] = match;
  return {
    host: host === '' ? '' : parseHost(host),
    port: port === undefined ? undefined : parsePort(port, lowestPort),
  };
}

/** Parses a host name alone, to lower case and without a trailing dot. Throws `Error` with the reason. */
export function parseHostName(text: string): string {
  const { host, port } = parseHostPort(text, 1);
  if (host === '' || port !== undefined || isIPv4(host) || isIPv6(host)) {
    throw new Error(`${JSON.stringify(text)} is not a host name; write one such as lb.example.com`);
  }
  return host.replace(/\.$/, '');
}

/** The text that `parseHostPort` reads back. */
export function formatHostPort(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Is the host a loopback address? Names other than `localhost` are not looked up. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIPv4(host) && host.startsWith('127.'));
}

const label = '[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?';
const name = new RegExp(`^${label}(?:\\.${label})*\\.?$`);

function parseHost(text: string): string {
  if (text.startsWith('[')) {
    const address = text.slice(1, -1);
    // An address with a zone (fe80::1%eth0) cannot be in a URL, where checks need it.
    if (!isIPv6(address) || address.includes('%')) throw notAHost(text);
    return new URL(`http://[${address}]`).hostname.slice(1, -1);
  }
  const host = text.toLowerCase();
  // A name cannot end in a number (RFC 1123 2.1): 10.0.0.256 is a mistyped address.
  const isName = host.length <= 253 && name.test(host) && !/(?:^|\.)\d+\.?$/.test(host);
  if (!isIPv4(host) && !isName) throw notAHost(text);
  return host;
}

function notAHost(text: string): Error {
  return new Error(
    `${JSON.stringify(text)} is neither an IP address nor a host name; write host:port, such as 10.0.0.1:2379 or [::1]:2379`,
  );
}

function parsePort(text: string, lowest: 0 | 1): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (port >= lowest && port <= 65_535) return port;
  throw new Error(`port ${JSON.stringify(text)} is out of range; write ${lowest} to 65535`);
}
