/**
 * Listeners: the addresses where clients connect. Either all of them open, or none.
 *
 * Owns the listening sockets, and the file of a Unix socket with its mode and owner. The files of inherited
 * sockets (systemd/inherited.ts) are left alone. Accepted connections are handed on paused and unread.
 */
import { chmod, chown } from 'node:fs/promises';
import net, { type Server, type Socket } from 'node:net';
import { formatListenAddress, type ListenAddress } from '../../config/values/listen.ts';
import { listen } from '../../lib/net/listen.ts';
import { removeStaleSocket } from '../../lib/net/unix-socket.ts';
import { SettingError } from '../../lib/setting-error.ts';
import { pathOf, unusable } from '../../systemd/inherited.ts';

export interface ListenOptions {
  readonly addresses: readonly ListenAddress[];
  /** Descriptors of sockets that already listen. If there are any, they replace `addresses`. */
  readonly inherited?: readonly number[];
  /** May other processes listen on the same TCP addresses? */
  readonly reusePort: boolean;
  /** Permission bits of Unix sockets, such as 0o660. */
  readonly socketMode: number;
  /** Owner of Unix sockets. An id of -1 leaves that part unchanged. */
  readonly socketOwner: { readonly uid: number; readonly gid: number } | undefined;
  /** Idle time before TCP keepalive probes, ms; 0 for none. */
  readonly keepalive: number;
  readonly onConnection: (socket: Socket) => void;
  /** Called when the system cannot hand over a connection, for example for lack of descriptors. */
  readonly onAcceptError: (error: Error) => void;
}

export interface Listeners {
  /** The addresses in use. Port 0 is replaced by the port that the system chose. */
  readonly addresses: readonly ListenAddress[];
  readonly servers: readonly Server[];
  /** Stops accepting. Accepted connections stay open. Removes the files of Unix sockets that we made. */
  close(): void;
}

/** A deep queue: after a failover every client of a member reconnects in the same moment. */
const backlog = 4096;

/** Opens all addresses. If one fails, none stays open and `SettingError` is thrown; `ConfigError` if inherited. */
export async function openListeners(options: ListenOptions): Promise<Listeners> {
  const servers: Server[] = [];
  const close = (): void => {
    for (const server of servers) server.close();
  };
  const create = (): Server => {
    const server = net.createServer(
      {
        allowHalfOpen: true,
        pauseOnConnect: true, // the socket that takes over must read first; see shared-buffer.ts
        noDelay: true,
        keepAlive: options.keepalive > 0,
        keepAliveInitialDelay: options.keepalive,
      },
      options.onConnection,
    );
    servers.push(server);
    return server;
  };
  const { inherited = [] } = options;
  const openings =
    inherited.length > 0
      ? inherited.map((descriptor) => () => adopt(create(), descriptor))
      : options.addresses.map((address) => () => open(create(), address, options));
  const addresses: ListenAddress[] = [];
  try {
    for (const [index, opening] of openings.entries()) {
      addresses.push(await opening());
      servers[index]?.on('error', options.onAcceptError);
    }
  } catch (error) {
    close();
    throw error;
  }
  return { addresses, servers, close };
}

/** Listens on a socket that another process has opened and bound. */
async function adopt(server: Server, fd: number): Promise<ListenAddress> {
  await listen(server, { fd, backlog }, (error) => unusable(fd, error));
  const bound = server.address();
  if (typeof bound === 'object' && bound !== null) {
    return { kind: 'tcp', host: bound.address, port: bound.port };
  }
  return { kind: 'unix', path: pathOf(fd) };
}

async function open(
  server: Server,
  address: ListenAddress,
  options: ListenOptions,
): Promise<ListenAddress> {
  const failed = (error: NodeJS.ErrnoException) =>
    new SettingError('listen', explain(address, error));
  if (address.kind === 'unix') {
    await removeStaleSocket('listen', address.path);
    await listen(server, { path: address.path }, failed);
    await setAccess(address.path, options);
    return address;
  }
  const { host, port: asked } = address;
  const { reusePort } = options;
  await listen(server, { host, port: asked, reusePort, backlog }, failed);
  const bound = server.address();
  const port = typeof bound === 'object' && bound !== null ? bound.port : address.port;
  return { ...address, port };
}

/** Gives a socket file its mode and owner. */
async function setAccess(path: string, { socketMode, socketOwner }: ListenOptions): Promise<void> {
  try {
    await chmod(path, socketMode);
    if (socketOwner !== undefined) await chown(path, socketOwner.uid, socketOwner.gid);
  } catch (error) {
    const { message } = error as Error;
    throw new SettingError(
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
