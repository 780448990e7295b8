/** Recognises a connection from the balancer to itself, whatever name or address led to it. */
import type { Socket } from 'node:net';
import type { ListenAddress } from '../config/listen.ts';

const wildcards = new Set(['::', '0.0.0.0', '']);

/**
 * Does this connected socket lead back to us? Either to one of `addresses`: a connection of this
 * host to itself at a port where we listen can be nobody else's. Or to its own end: a dial to a
 * closed loopback port can be given that very port to dial from, and TCP then connects it to itself
 * (simultaneous open, RFC 9293 section 3.5).
 */
export function leadsToSelf(socket: Socket, addresses: readonly ListenAddress[]): boolean {
  const { localAddress, localPort, remoteAddress, remotePort } = socket;
  if (localAddress !== remoteAddress) return false;
  if (localPort === remotePort) return true;
  return addresses.some(
    (address) =>
      address.kind === 'tcp' &&
      address.port === remotePort &&
      (wildcards.has(address.host) ||
        address.host === remoteAddress ||
        address.host === 'localhost'),
  );
}
