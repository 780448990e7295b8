/**
 * The Host of a request: is it one that only whoever means this listener can have sent? A page from elsewhere may have
 * any name of its own lead here, but neither an IP address nor localhost.
 */
import { isIP } from 'node:net';
import { parseHostPort } from '../../lib/net/host-port.ts';

/**
 * @param header as it was sent; absent in HTTP/1.0, which no browser speaks.
 * @param names others that are ours.
 */
export function isOwnHost(header: string | undefined, names: readonly string[]): boolean {
  if (header === undefined) return true;
  const host = hostOf(header);
  if (host === undefined) return false;
  return isIP(host) !== 0 || host === 'localhost' || names.includes(host);
}

/** Without the port and the dot that a whole name may end in. */
function hostOf(header: string): string | undefined {
  try {
    return parseHostPort(header, 0).host.replace(/\.$/, '');
  } catch {
    return undefined;
  }
}
