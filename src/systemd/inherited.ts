/**
 * Inherited sockets, which the parent process has opened, as systemd does for a socket unit
 * (sd_listen_fds(3)): descriptors from 3 on, counted and named in the environment.
 *
 *   LISTEN_PID=4711  LISTEN_FDS=3  LISTEN_FDNAMES=etcd:observe:admin
 *
 * Owns the variables and what the names mean. Other rooms listen on the descriptors. The parent keeps them
 * open when this process ends, so the next process gets the connections that wait in them.
 */
import { fstatSync, readFileSync, statSync } from 'node:fs';
import { ConfigError } from '../lib/setting-error.ts';

/** Descriptors of listening sockets. */
export interface Inherited {
  /** For clients, in place of `--listen`; empty to use `--listen`. */
  readonly clients: readonly number[];
  /** The one named `observe`, in place of `--observe`. */
  readonly observe: number | undefined;
  /** The one named `admin`: a private Unix socket. */
  readonly admin: number | undefined;
}

/** For a process that inherits no sockets. */
export const noneInherited: Inherited = { clients: [], observe: undefined, admin: undefined };
const firstDescriptor = 3;
const variables = ['LISTEN_PID', 'LISTEN_FDS', 'LISTEN_FDNAMES'] as const;

/**
 * Takes the sockets of the process `pid`, and removes the variables from `env`: children must not inherit
 * them. Sockets of another process are ignored. Throws `ConfigError` when they cannot be used.
 */
export function takeInherited(env: NodeJS.ProcessEnv, pid: number): Inherited {
  const [forPid, count, names = ''] = variables.map((name) => env[name]);
  for (const name of variables) delete env[name];
  if (count === undefined || forPid !== String(pid)) return noneInherited;
  if (!/^\d{1,4}$/.test(count)) {
    throw new ConfigError(
      `LISTEN_FDS: ${JSON.stringify(count)} is not a number of sockets; unset it, or let systemd set it.`,
    );
  }
  const nameOf = names.split(':');
  const sockets = Array.from({ length: Number(count) }, (_, index) => {
    const descriptor = firstDescriptor + index;
    requireSocket(descriptor);
    return { descriptor, name: nameOf[index] };
  });
  const theOnly = (name: string): number | undefined => {
    const [first, second] = sockets.filter((socket) => socket.name === name);
    if (second === undefined) return first?.descriptor;
    throw new ConfigError(
      `LISTEN_FDNAMES: two sockets are named ${name}, and only one may be; give the others another name (FileDescriptorName=).`,
    );
  };
  const admin = theOnly('admin');
  if (admin !== undefined) requirePrivate(admin);
  const clients = sockets.filter(({ name }) => name !== 'observe' && name !== 'admin');
  return {
    clients: clients.map(({ descriptor }) => descriptor),
    observe: theOnly('observe'),
    admin,
  };
}

/** Why listening on an inherited descriptor failed, as a whole sentence. */
export function unusable(descriptor: number, error: NodeJS.ErrnoException): ConfigError {
  const notListening = ['EINVAL', 'EOPNOTSUPP', 'ERR_INVALID_FD_TYPE'].includes(error.code ?? '');
  const why = notListening
    ? 'is a connection or a datagram socket; pass stream sockets that listen (ListenStream=, Accept=no)'
    : `cannot be listened on: ${error.message}`;
  return new ConfigError(`LISTEN_FDS: descriptor ${descriptor} ${why}.`);
}

/** The path of the Unix socket of a descriptor; where the kernel does not tell, its path in /proc. */
export function pathOf(descriptor: number): string {
  return boundTo(descriptor) || `/proc/self/fd/${descriptor}`;
}

/**
 * The path of a Unix socket, with a leading `@` for an abstract one. '' for an unbound one, and
 * `undefined` for a descriptor that is not known to be a Unix socket.
 */
function boundTo(descriptor: number): string | undefined {
  try {
    // Columns: … inode path. The first line is a heading.
    const inode = String(fstatSync(descriptor).ino);
    const lines = readFileSync('/proc/self/net/unix', 'utf8').split('\n');
    const fields = lines.map((line) => line.split(' ').filter(Boolean));
    return fields
      .find((each) => each[6] === inode)
      ?.slice(7)
      .join(' ');
  } catch {
    return undefined;
  }
}

/**
 * A client of the admin socket controls the balancer, and only the mode of its file keeps others out.
 * The modes of the folders above do not count: somebody who does not know of the socket may open
 * them later.
 */
function requirePrivate(descriptor: number): void {
  const fault = exposureOf(boundTo(descriptor));
  if (fault === undefined) return;
  throw new ConfigError(
    `LISTEN_FDS: descriptor ${descriptor}, which is named admin, is ${fault}; pass a Unix socket that is its owner's alone (SocketMode=0600).`,
  );
}

/** Why everybody could connect to a socket at this path, if they could. */
function exposureOf(path: string | undefined): string | undefined {
  if (path === undefined)
    return 'not a Unix socket: everybody who reaches it could control the balancer';
  if (path === '' || path.startsWith('@'))
    return 'no file: every process could control the balancer';
  try {
    const mode = statSync(path).mode & 0o777;
    if ((mode & 0o002) === 0) return undefined;
    return `${path} with the mode ${mode.toString(8).padStart(4, '0')}: every process could control the balancer`;
  } catch {
    return `${path}, which cannot be examined`;
  }
}

function requireSocket(descriptor: number): void {
  let found: string;
  try {
    if (fstatSync(descriptor).isSocket()) return;
    found = 'is not a socket';
  } catch {
    found = 'is not open';
  }
  throw new ConfigError(
    `LISTEN_FDS: descriptor ${descriptor} ${found}; pass as many listening sockets as it says, from descriptor 3 on, or unset it.`,
  );
}
