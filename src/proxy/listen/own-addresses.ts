/** Recognises a connection from the balancer to itself, whatever name or address led to it. */
import type { Socket } from 'node:net';
import { reaches } from '../../config/collision.ts';
import type { ListenAddress } from '../../config/values/listen.ts';

/**
 * Does this connected socket lead back to us? There are two ways. It may reach one of `addresses`: a
 * connection of this host to itself at a port where we listen is ours. Or it may reach its own end: the
 * system may choose a closed loopback port as the local port of a dial to that port, and TCP then connects
 * the socket to itself (simultaneous open, RFC 9293 section 3.5). False for a socket that is not connected.
 *
 * @param port the one that was dialled. If it is not one of ours, the answer takes no further system calls.
 */
export function leadsToSelf(
  socket: Socket,
  port: number,
  addresses: readonly ListenAddress[],
): boolean {
  const ours = addresses.some((address) => address.kind === 'tcp' && address.port === port);
  if (!ours && socket.localPort !== port) return false;
  const local = plain(socket.localAddress);
  const host = plain(socket.remoteAddress);
  if (local === undefined || host === undefined) return false;
  if (local === host && socket.localPort === port) return true;
  // This machine has at least the address that we connect from.
  const machine = { hostname: '', addresses: [local] };
  return addresses.some(
    (address) => address.kind === 'tcp' && reaches({ host, port }, address, machine),
  );
}

/** Where we listen: first as the settings say, then, once the listeners are open, as the system says. */
export class OwnAddresses {
  list: readonly ListenAddress[];

  constructor(list: readonly ListenAddress[]) {
    this.list = list;
  }

  /** Is the other end of this connection to `port` one of our own listeners? */
  readonly isSelf = (socket: Socket, port: number): boolean => leadsToSelf(socket, port, this.list);
}

/** Removes the IPv6 prefix that a dual-stack socket gives an IPv4 address. */
function plain(address: string | undefined): string | undefined {
  return address?.replace(/^::ffff:/, '');
}
