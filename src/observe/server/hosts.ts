/**
 * The Host header of a request: does it prove that the sender means this listener? A page from elsewhere can make any
 * name of its own resolve to this host, but neither an IP address nor localhost.
 */
import { isIP } from 'node:net';
import { parseHostPort } from '../../lib/net/host-port.ts';

/**
 * @param header as sent; absent in HTTP/1.0, which no browser speaks.
 * @param names further names of this listener.
 */
export function isOwnHost(header: string | undefined, names: readonly string[]): boolean {
  if (header === undefined) return true;
  const host = hostOf(header);
  if (host === undefined) return false;
  return isIP(host) !== 0 || host === 'localhost' || names.includes(host);
}

/** The host without its port, and without the dot that a full name may end in. */
function hostOf(header: string): string | undefined {
  try {
    return parseHostPort(header, 0).host.replace(/\.$/, '');
  } catch {
    return undefined;
  }
}
