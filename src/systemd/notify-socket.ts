/**
 * The socket of sd_notify(3): datagrams to the Unix socket that NOTIFY_SOCKET names.
 *
 * Node has no Unix datagram sockets. Where it can call the C library (`node:ffi`, Node 26), a message is
 * one call of sendto(2) from this process, so that `NotifyAccess=main` is enough. Elsewhere the
 * program `systemd-notify` sends it, which costs a process per message and needs `NotifyAccess=all`
 * (costs of both: config/systemd/README.md).
 *
 * Owns how a message is sent. Never waits and never throws: a supervisor must not stop the balancer.
 */
import { execFile } from 'node:child_process';

/** Sends one message; `false` when it could not be sent, such as when the receiver is behind. */
export type Send = (message: string) => Promise<boolean> | boolean;

const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0o2000000;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;

/** @param path of the socket: absolute, or with a leading `@` for an abstract one. */
export function openNotifySocket(path: string): Send {
  return sendByCall(path) ?? sendByProgram(path);
}

/** `undefined` where this Node cannot call C functions. */
function sendByCall(path: string): Send | undefined {
  try {
    const { functions } = loadFfi().dlopen(null, {
      socket: { arguments: ['i32', 'i32', 'i32'], return: 'i32' },
      sendto: { arguments: ['i32', 'buffer', 'u64', 'i32', 'buffer', 'u32'], return: 'i64' },
    });
    const socket = functions.socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (socket < 0) return undefined;
    const address = socketAddress(path);
    return (message) => {
      const bytes = Buffer.from(message);
      const flags = MSG_DONTWAIT | MSG_NOSIGNAL;
      const length = BigInt(bytes.length);
      return functions.sendto(socket, bytes, length, flags, address, address.length) === length;
    };
  } catch {
    return undefined;
  }
}

/** Loads the module without its warning that it is experimental, which does not fit the log. */
function loadFfi(): typeof import('node:ffi') {
  const { emitWarning } = process;
  process.emitWarning = () => {};
  try {
    return process.getBuiltinModule('node:ffi');
  } finally {
    process.emitWarning = emitWarning;
  }
}

/** `struct sockaddr_un`. An abstract name has a zero byte in place of the `@`, and none at its end. */
function socketAddress(path: string): Buffer {
  const isAbstract = path.startsWith('@');
  const name = Buffer.from(isAbstract ? `\0${path.slice(1)}` : `${path}\0`);
  const family = new Uint8Array(new Uint16Array([AF_UNIX]).buffer); // in the machine's byte order
  return Buffer.concat([family, name]);
}

function sendByProgram(path: string): Send {
  const env = { ...process.env, NOTIFY_SOCKET: path };
  return (message) =>
    new Promise((resolve) => {
      execFile('systemd-notify', message.split('\n'), { env }, (error) => resolve(error === null));
    });
}
