/**
 * Run as a process: holds TCP connections open and is silent. Prints `open N` when all are there.
 *
 *   node sessions-process.ts HOST PORT COUNT idle|connected|stopped
 *
 * `idle` sends one byte, since some proxies dial only then, and waits for the greeting of the
 * member, so that each is known to be joined; `connected` does neither (etcd greets nobody);
 * `stopped` sends one byte and never reads.
 */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

const [host = '', port = '', count = '', mode = ''] = process.argv.slice(2);
/** Connections opened at a time: fewer than any listen backlog. */
const batch = 100;
const sockets: Socket[] = [];
// Sockets that nobody reads do not keep a process running.
setInterval(() => {}, 60_000);

async function open(): Promise<void> {
  const socket = connect({ host, port: Number(port) });
  sockets.push(socket);
  if (mode === 'stopped') socket.pause();
  // Refused or closed by the other side: it is not counted.
  socket.on('error', () => {});
  await happens(socket, 'connect');
  if (mode !== 'connected') socket.write('x');
  if (mode === 'idle') await happens(socket, 'data');
  if (mode === 'connected') socket.resume();
}

/** Resolves when it does, or never will. */
async function happens(socket: Socket, event: string): Promise<void> {
  const closed = once(socket, 'close').catch(() => {});
  await Promise.race([once(socket, event).catch(() => closed), closed]);
}

for (let left = Number(count); left > 0; left -= batch) {
  await Promise.all(Array.from({ length: Math.min(batch, left) }, open));
}
console.log(`open ${sockets.filter((socket) => !socket.destroyed).length}`);
