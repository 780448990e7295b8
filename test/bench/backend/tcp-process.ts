/**
 * Run as a process: a member that takes connections and answers nothing. Prints `listens PORT`.
 *
 *   node tcp-process.ts BYTES
 *
 * Sends each client so many bytes at once: 1 to greet it, or far more than it reads.
 */
import { createServer } from 'node:net';

/** One for all, so that this process stays small. */
const greeting = Buffer.alloc(Number(process.argv[2]), 'x');

const server = createServer((socket) => {
  // Clients go as they like.
  socket.on('error', () => socket.destroy());
  socket.resume();
  socket.write(greeting);
});
server.listen({ host: '127.0.0.1', port: 0, backlog: 4_096 }, () => {
  const address = server.address();
  if (address !== null && typeof address !== 'string') console.log(`listens ${address.port}`);
});
