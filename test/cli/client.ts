/** A client of the balancer over plain TCP or a Unix socket, in a line each. */
import { once } from 'node:events';
import net, { type Socket } from 'node:net';

/** Begins to connect to `127.0.0.1:2379`, `[::1]:2379` or `unix:/path`. */
export function dial(address: string): Socket {
  const unix = /^unix:(.*)$/.exec(address);
  if (unix?.[1] !== undefined) return net.connect({ path: unix[1] });
  const { hostname, port } = new URL(`tcp://${address}`);
  return net.connect({ host: hostname.replace(/^\[|\]$/g, ''), port: Number(port) });
}

export async function connect(address: string): Promise<Socket> {
  const socket = dial(address);
  await once(socket, 'connect');
  return socket;
}

/** Does somebody accept there? */
export async function isOpen(address: string): Promise<boolean> {
  const socket = dial(address);
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

/** Sends `text` and resolves with as many bytes of answer. */
export async function ask(socket: Socket, text: string): Promise<string> {
  socket.write(text);
  for (;;) {
    const answer: Buffer | null = socket.read(Buffer.byteLength(text));
    if (answer !== null) return answer.toString();
    if (socket.readableEnded) throw new Error('the connection ended');
    await once(socket, 'readable');
  }
}

/** How the connection ended, once it has: `closed`, or the code of its error. */
export function endOf(socket: Socket): Promise<string> {
  const end = (): string => {
    const error: NodeJS.ErrnoException | null = socket.errored;
    return error === null ? 'closed' : (error.code ?? error.message);
  };
  return new Promise((resolve) => {
    if (socket.closed) resolve(end());
    socket.on('error', () => {}); // told by 'close' too
    socket.on('close', () => resolve(end()));
    socket.resume();
  });
}
