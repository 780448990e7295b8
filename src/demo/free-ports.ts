/** Ports for processes that will be stopped and restarted. */
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:net';

/**
 * Free ports on loopback, below the range from which the kernel takes the ports of outgoing
 * connections. A port from that range (which asking for port 0 gives) can be taken by some client
 * while its member is down, so that the member cannot start again; worse, dialling it then can
 * connect the dialler to itself.
 */
export async function freePorts(count: number): Promise<number[]> {
  const range = await readFile('/proc/sys/net/ipv4/ip_local_port_range', 'utf8').catch(() => '');
  const first = Number.parseInt(range, 10);
  const top = first > 12_000 ? Math.min(first, 32_768) : 32_768;
  const ports = new Set<number>();
  while (ports.size < count) {
    const port = randomInt(10_000, top);
    if (await isFree(port)) ports.add(port);
  }
  return [...ports];
}

/** Can this port of loopback be listened on? */
export async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  try {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
  } catch {
    return false;
  }
  server.close();
  await once(server, 'close');
  return true;
}
