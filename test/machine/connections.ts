/** Established TCP connections of this machine, as the kernel lists them. */
import { readFile } from 'node:fs/promises';

/** How many connections are established *to* each of these addresses, in their order. */
export async function connectionsTo(
  addresses: readonly { readonly host: string; readonly port: number }[],
): Promise<number[]> {
  const text = await readFile('/proc/net/tcp', 'utf8');
  const remotes = text
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    // 01 is ESTABLISHED, proc(5).
    .filter((fields) => fields[3] === '01')
    .map((fields) => fields[2]);
  return addresses.map(
    (address) => remotes.filter((remote) => remote === kernelNotation(address)).length,
  );
}

/** 127.0.0.1:2379 to 0100007F:094B: the address in the byte order of the machine. */
function kernelNotation({ host, port }: { readonly host: string; readonly port: number }): string {
  const bytes = host.split('.').map((part) => hex(Number(part), 2));
  return `${bytes.toReversed().join('')}:${hex(port, 4)}`;
}

function hex(value: number, digits: number): string {
  return value.toString(16).toUpperCase().padStart(digits, '0');
}
