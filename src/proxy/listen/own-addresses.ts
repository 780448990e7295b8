/** Recognises a connection from the balancer to itself, whatever name or address led to it. */
import type { Socket } from 'node:net';
import { reaches } from '../../config/collision.ts';
import type { ListenAddress } from '../../config/values/listen.ts';

/**
 * Does this connected socket lead back to us? Either to one of `addresses`: a connection of this
 * host to itself at a port where we listen can be nobody else's. Or to its own end: a dial to a
 * closed loopback port can be given that very port to dial from, and TCP then connects it to itself
 * (simultaneous open, RFC 9293 section 3.5). False for a socket that is not connected.
 *
 * @param port the one that was dialled: if nobody here has it, no more of the system is asked.
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
  // Whatever else this machine answers to, it is the address that we came from.
  const machine = { hostname: '', addresses: [local] };
  return addresses.some(
    (address) => address.kind === 'tcp' && reaches({ host, port }, address, machine),
  );
}

/** Where we listen: as settings say, and once the listeners are open as the system does. */
export class OwnAddresses {
  list: readonly ListenAddress[];

  constructor(list: readonly ListenAddress[]) {
    this.list = list;
  }

  /** Is the other end of this connection to `port` one of our own listeners? */
  readonly isSelf = (socket: Socket, port: number): boolean => leadsToSelf(socket, port, this.list);
}

/** An IPv4 address without the IPv6 prefix that a socket of both families gives it. */
function plain(address: string | undefined): string | undefined {
  return address?.replace(/^::ffff:/, '');
}
