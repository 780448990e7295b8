/** Which connections lead back to the balancer. Plain objects stand in for sockets, but in the last. */
import { once } from 'node:events';
import net, { type AddressInfo, type Socket } from 'node:net';
import { expect, test } from 'vitest';
import { parseListenAddress } from '../../../../src/config/values/listen.ts';
import { leadsToSelf } from '../../../../src/proxy/listen/own-addresses.ts';

/** Does a connection from `local` to `remote` port 2379 lead to one of the addresses? */
function leads(local: string, remote: string, ...listen: string[]): boolean {
  const socket = { localAddress: local, remoteAddress: remote, remotePort: 2379 } as Socket;
  return leadsToSelf(socket, socket.remotePort ?? 0, listen.map(parseListenAddress));
}

test('a connection of a host to itself at a listening address is to the balancer', () => {
  expect(leads('127.0.0.1', '127.0.0.1', '127.0.0.1:2379')).toBe(true);
  expect(leads('10.0.0.1', '10.0.0.1', '10.0.0.1:2379')).toBe(true);
  expect(leads('::1', '::1', '[::1]:2379')).toBe(true);
});

test('a listener on all addresses is found under each of them', () => {
  for (const all of [':2379', '[::]:2379', '0.0.0.0:2379']) {
    expect(leads('10.0.0.1', '10.0.0.1', all)).toBe(true);
    expect(leads('127.0.0.1', '127.0.0.1', all)).toBe(true);
  }
});

test('localhost is loopback in both families', () => {
  expect(leads('127.0.0.1', '127.0.0.1', 'localhost:2379')).toBe(true);
  expect(leads('::1', '::1', 'localhost:2379')).toBe(true);
});

test('a connection to its own end is found, wherever we listen', () => {
  const socket = {
    localAddress: '127.0.0.1',
    localPort: 40_000,
    remoteAddress: '127.0.0.1',
    remotePort: 40_000,
  } as Socket;
  expect(leadsToSelf(socket, socket.remotePort ?? 0, [])).toBe(true);
});

test('a socket that is not connected leads nowhere', () => {
  expect(leadsToSelf(new net.Socket(), 2379, [parseListenAddress(':2379')])).toBe(false);
});

test('any of several listeners counts', () => {
  expect(leads('10.0.0.1', '10.0.0.1', 'unix:/run/x.sock', '127.0.0.1:1', ':2379')).toBe(true);
});

test('another port, another address of this host and another host are somebody else', () => {
  expect(leads('127.0.0.1', '127.0.0.1', '127.0.0.1:2380')).toBe(false);
  expect(leads('10.0.0.1', '10.0.0.1', '127.0.0.1:2379')).toBe(false);
  expect(leads('10.0.0.1', '10.0.0.2', ':2379')).toBe(false);
  expect(leads('127.0.0.1', '127.0.0.1', 'unix:/run/x.sock')).toBe(false);
  expect(leads('127.0.0.1', '127.0.0.1')).toBe(false);
});

test('an etcd beside the balancer, on the address of the host, is not taken for localhost', () => {
  expect(leads('10.0.0.1', '10.0.0.1', 'localhost:2379')).toBe(false);
});

test('it holds for a real connection', () => dialAllAddressesAt('127.0.0.1'));

// What Debian gives the host's own name. Linux connects to it from 127.0.0.1.
test('it holds for another loopback address', () => dialAllAddressesAt('127.0.1.1'));

async function dialAllAddressesAt(host: string): Promise<void> {
  const server = net.createServer((socket) => socket.destroy()).listen(0, '0.0.0.0');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const socket = net.connect(port, host);
  await once(socket, 'connect');
  const all = (at: number) =>
    leadsToSelf(socket, port, [{ kind: 'tcp', host: '0.0.0.0', port: at }]);
  const answers = [all(port), all(port - 1)];
  socket.destroy();
  server.close();
  expect(answers).toEqual([true, false]);
}
