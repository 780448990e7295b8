/**
 * Listeners: the addresses where clients connect. All of them open, or none.
 *
 * Owns the listening sockets, and a Unix socket's file with its mode and owner. Accepted connections are
 * handed on paused and unread.
 */
import { chmod, chown } from 'node:fs/promises';
import net, { type Server, type Socket } from 'node:net';
import { Refusal } from '../config/error.ts';
import { formatListenAddress, type ListenAddress } from '../config/listen.ts';
import { removeStaleSocket } from '../unix-socket.ts';

export interface ListenOptions {
  readonly addresses: readonly ListenAddress[];
  /** May other processes listen on the same TCP addresses beside us? */
  readonly reusePort: boolean;
  /** Permission bits of Unix sockets, such as 0o660. */
  readonly socketMode: number;
  /** Owner of Unix sockets; -1 leaves one as it is. */
  readonly socketOwner: { readonly uid: number; readonly gid: number } | undefined;
  /** Idle time before TCP keepalive probes, ms; 0 turns them off. */
  readonly keepalive: number;
  readonly onConnection: (socket: Socket) => void;
  /** Told when the system could not hand over a connection, such as for want of descriptors. */
  readonly onAcceptError: (error: Error) => void;
}

export interface Listeners {
  /** The addresses in use; a port of 0 has become the one that was given. */
  readonly addresses: readonly ListenAddress[];
  readonly servers: readonly Server[];
  /** Stops accepting; accepted connections stay. A Unix socket's file is removed. */
  close(): void;
}

/** Opens all addresses. Throws `Refusal` with none of them open. */
export async function openListeners(options: ListenOptions): Promise<Listeners> {
  const servers: Server[] = [];
  const close = (): void => {
    for (const server of servers) server.close();
  };
  const addresses: ListenAddress[] = [];
  try {
    for (const address of options.addresses) {
      const server = net.createServer(
        {
          allowHalfOpen: true,
          pauseOnConnect: true, // see shared-buffer.ts: the successor must be the first to read
          noDelay: true,
          keepAlive: options.keepalive > 0,
          keepAliveInitialDelay: options.keepalive,
        },
        options.onConnection,
      );
      servers.push(server);
      addresses.push(await open(server, address, options));
      server.on('error', options.onAcceptError);
    }
  } catch (error) {
    close();
    throw error;
  }
  return { addresses, servers, close };
}

async function open(
  server: Server,
  address: ListenAddress,
  options: ListenOptions,
): Promise<ListenAddress> {
  if (address.kind === 'unix') {
    await removeStaleSocket('listen', address.path);
    // Closed to all but us until it has the mode and owner that were asked for.
    const umask = process.umask(0o177);
    const listening = listen(server, address, { path: address.path });
    process.umask(umask);
    await listening;
    await hand(address.path, options);
    return address;
  }
  // A deep queue: after a failover every client of a member comes back in the same moment.
  const { host, port: asked } = address;
  const { reusePort } = options;
  await listen(server, address, { host, port: asked, reusePort, backlog: 4096 });
  const bound = server.address();
  const port = typeof bound === 'object' && bound !== null ? bound.port : address.port;
  return { ...address, port };
}

function listen(server: Server, address: ListenAddress, options: net.ListenOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(new Refusal('listen', explain(address, error)));
    });
    server.listen(options, () => {
      server.removeAllListeners('error');
      resolve();
    });
  });
}

/** Gives a socket file its mode and owner. */
async function hand(path: string, { socketMode, socketOwner }: ListenOptions): Promise<void> {
  try {
    await chmod(path, socketMode);
    if (socketOwner !== undefined) await chown(path, socketOwner.uid, socketOwner.gid);
  } catch (error) {
    const { message } = error as Error;
    throw new Refusal(
      'socket-owner',
      `${path} cannot be given its owner and mode: ${message}; leave it out or run as root`,
    );
  }
}

function explain(address: ListenAddress, error: NodeJS.ErrnoException): string {
  const shown = formatListenAddress(address);
  switch (error.code) {
    case 'EADDRINUSE':
      return `${shown} is in use by another process; stop it or choose another address`;
    case 'EADDRNOTAVAIL':
      return `${shown} is not an address of this host; write one that is, or :PORT for all`;
    case 'EACCES':
      return `no permission to open ${shown}; choose a port from 1024 on or another path, or grant the right`;
    default:
      return `${shown} cannot be opened: ${error.message}`;
  }
}
