/**
 * Sockets as a service manager holds them: open, bound, listening, and accepted from by nobody here. They
 * are passed to children by number. Node's own servers would accept, so that these are made by the C
 * library.
 */
import { dlopen } from 'node:ffi';

const { functions: libc } = dlopen(null, {
  socket: { arguments: ['i32', 'i32', 'i32'], return: 'i32' },
  setsockopt: { arguments: ['i32', 'i32', 'i32', 'buffer', 'u32'], return: 'i32' },
  bind: { arguments: ['i32', 'buffer', 'u32'], return: 'i32' },
  connect: { arguments: ['i32', 'buffer', 'u32'], return: 'i32' },
  listen: { arguments: ['i32', 'i32'], return: 'i32' },
  close: { arguments: ['i32'], return: 'i32' },
});

const families = { unix: 1, inet: 2 };
const types = { stream: 1, datagram: 2 };
const closeOnExec = 0o2000000;

/** A path, or a port on 127.0.0.1. */
type Place = string | number;

export class HeldSocket implements Disposable {
  readonly descriptor: number;

  private constructor(place: Place, type: keyof typeof types) {
    const family = typeof place === 'string' ? families.unix : families.inet;
    this.descriptor = libc.socket(family, types[type] | closeOnExec, 0);
    must('socket', Math.min(0, this.descriptor));
  }

  static listening(place: Place): HeldSocket {
    const socket = new HeldSocket(place, 'stream');
    socket.#bind(place);
    must('listen', libc.listen(socket.descriptor, 128));
    return socket;
  }

  static datagram(place: Place): HeldSocket {
    const socket = new HeldSocket(place, 'datagram');
    socket.#bind(place);
    return socket;
  }

  /** Connected to whoever listens there. */
  static connected(place: Place): HeldSocket {
    const socket = new HeldSocket(place, 'stream');
    const address = addressOf(place);
    must('connect', libc.connect(socket.descriptor, address, address.length));
    return socket;
  }

  [Symbol.dispose](): void {
    must('close', libc.close(this.descriptor));
  }

  #bind(place: Place): void {
    const [solSocket, reuseAddress, on] = [1, 2, Buffer.from(new Uint32Array([1]).buffer)];
    must('setsockopt', libc.setsockopt(this.descriptor, solSocket, reuseAddress, on, on.length));
    const address = addressOf(place);
    must('bind', libc.bind(this.descriptor, address, address.length));
  }
}

/** A command line put in front of one that is to take `names` as its inherited sockets, from 3 on. */
export function passing(names: readonly string[]): string[] {
  const variables = `LISTEN_PID=$$ LISTEN_FDS=${names.length} LISTEN_FDNAMES=${names.join(':')}`;
  return ['sh', '-c', `${variables} exec "$@"`, 'sh'];
}

function addressOf(place: Place): Buffer {
  const family = Buffer.from(
    new Uint16Array([typeof place === 'string' ? families.unix : families.inet]).buffer,
  );
  if (typeof place === 'string') return Buffer.concat([family, Buffer.from(`${place}\0`)]);
  const port = Buffer.alloc(2);
  port.writeUInt16BE(place);
  return Buffer.concat([family, port, Buffer.from([127, 0, 0, 1]), Buffer.alloc(8)]);
}

function must(call: string, result: number): void {
  if (result < 0) throw new Error(`${call}(2) failed`);
}
