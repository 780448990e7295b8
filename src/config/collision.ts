/**
 * Do two addresses collide: is the balancer in front of itself, or does it listen twice?
 *
 * Decides by the text and by this machine's own names and addresses, without a look-up. Other names
 * for this machine are recognised on the connection itself (proxy/listen/own-addresses.ts).
 */
import os from 'node:os';
import { isLoopback } from '../lib/net/host-port.ts';
import type { TcpAddress } from './values/listen.ts';

/** The name and addresses of this machine, apart from loopback. */
export interface Machine {
  readonly hostname: string;
  readonly addresses: readonly string[];
}

/** This machine as it is now: interfaces come and go. */
export function thisMachine(): Machine {
  const interfaces = Object.values(os.networkInterfaces());
  return {
    hostname: os.hostname().toLowerCase(),
    addresses: interfaces.flatMap((addresses) => addresses?.map(({ address }) => address) ?? []),
  };
}

/** Does a connection from this machine to `target` arrive at the listener `listen`? */
export function reaches(
  target: { readonly host: string; readonly port: number },
  listen: TcpAddress,
  machine: Machine,
): boolean {
  if (target.port !== listen.port) return false;
  if (sameHost(target.host, listen.host)) return true;
  const isHere =
    isLoopback(target.host) ||
    target.host === machine.hostname ||
    machine.addresses.includes(target.host);
  return isHere && covers(listen.host, target.host);
}

/** Can only one of these two listeners be open at a time? Never so for port 0. */
export function overlap(a: TcpAddress, b: TcpAddress): boolean {
  if (a.port === 0 || a.port !== b.port) return false;
  return sameHost(a.host, b.host) || covers(a.host, b.host) || covers(b.host, a.host);
}

function sameHost(a: string, b: string): boolean {
  return a === b || (a === 'localhost' && isLoopback(b)) || (b === 'localhost' && isLoopback(a));
}

/** Is `wildcard` a wildcard address that includes `host`? Node opens `::` for IPv4 as well. */
function covers(wildcard: string, host: string): boolean {
  return wildcard === '::' || (wildcard === '0.0.0.0' && !host.includes(':'));
}
