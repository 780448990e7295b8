/**
 * A name server for a balancer, on an address of loopback of its own: A and SRV records from a table
 * that can be changed while it runs. A process asks it when it runs in a mount namespace of its own
 * with another resolv.conf (see `prefix`); the machine's own is not touched. Needs root: port 53,
 * unshare.
 */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

export interface Service {
  /** A name. */
  readonly target: string;
  readonly port: number;
}

const typeA = 1;
const typeSrv = 33;
/** s */
const timeToLive = 1;

export class Names implements AsyncDisposable {
  /** While true, questions are read and not answered. */
  silent = false;
  readonly #socket: Socket;
  readonly #resolvConf: string;
  readonly #addresses = new Map<string, readonly string[]>();
  readonly #services = new Map<string, readonly Service[]>();

  /** @param folder for its files, which may be removed when it is disposed of. */
  static async start(folder: string): Promise<Names> {
    const { socket, address } = await bound();
    const resolvConf = join(folder, 'resolv.conf');
    await writeFile(resolvConf, `nameserver ${address}\n`);
    return new Names(socket, resolvConf);
  }

  private constructor(socket: Socket, resolvConf: string) {
    this.#socket = socket;
    this.#resolvConf = resolvConf;
    socket.on('message', (question, from) => {
      if (!this.silent) socket.send(this.#answer(question), from.port, from.address);
    });
    // Whoever asked is gone.
    socket.on('error', () => {});
  }

  /** From now on a name has these IPv4 addresses; none of them is an answer without any. */
  set(name: string, addresses: readonly string[]): void {
    this.#addresses.set(name.toLowerCase(), addresses);
  }

  /** From now on a name such as `_etcd-client._tcp.etcd.test` has these SRV records. */
  setService(name: string, services: readonly Service[]): void {
    this.#services.set(name.toLowerCase(), services);
  }

  /** From now on a name does not exist (NXDOMAIN). */
  vanish(name: string): void {
    this.#addresses.delete(name.toLowerCase());
    this.#services.delete(name.toLowerCase());
  }

  /** To be put in front of a command that is to ask this server; the pid stays the command's. */
  get prefix(): readonly string[] {
    const script = 'mount --bind "$1" /etc/resolv.conf && shift && exec "$@"';
    return ['unshare', '--mount', 'sh', '-c', script, 'sh', this.#resolvConf];
  }

  /** The address of the server, on port 53. */
  get address(): string {
    return this.#socket.address().address;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.close();
  }

  /** RFC 1035: the question back, with the records that it asks for. */
  #answer(question: Buffer): Buffer {
    let end = 12;
    const labels: string[] = [];
    for (let size = question[end] ?? 0; size > 0; size = question[end] ?? 0) {
      labels.push(question.toString('latin1', end + 1, end + 1 + size));
      end += size + 1;
    }
    const name = labels.join('.').toLowerCase();
    const type = question.readUInt16BE(end + 1);
    const addresses = this.#addresses.get(name);
    const services = this.#services.get(name);
    const exists = addresses !== undefined || services !== undefined;
    const records = [
      ...(type === typeA ? (addresses ?? []).map((each) => record(typeA, ipv4(each))) : []),
      ...(type === typeSrv ? (services ?? []).map((each) => record(typeSrv, srv(each))) : []),
    ];
    const header = Buffer.from(question.subarray(0, 12));
    header.writeUInt16BE(exists ? 0x8580 : 0x8583, 2); // a response, authoritative; 3: no such name
    header.writeUInt16BE(records.length, 6);
    header.writeUInt32BE(0, 8);
    return Buffer.concat([header, question.subarray(12, end + 5), ...records]);
  }
}

/** A pointer to the name that was asked, then type, class IN, time to live and data. */
function record(type: number, data: Buffer): Buffer {
  const head = Buffer.alloc(12);
  head.writeUInt16BE(0xc00c, 0);
  head.writeUInt16BE(type, 2);
  head.writeUInt16BE(1, 4);
  head.writeUInt32BE(timeToLive, 6);
  head.writeUInt16BE(data.length, 10);
  return Buffer.concat([head, data]);
}

function ipv4(address: string): Buffer {
  return Buffer.from(address.split('.').map(Number));
}

/** RFC 2782: all of one priority and weight; the target is not compressed. */
function srv({ target, port }: Service): Buffer {
  const head = Buffer.alloc(6);
  head.writeUInt16BE(1, 2);
  head.writeUInt16BE(port, 4);
  const labels = target
    .split('.')
    .map((label) => [Buffer.from([label.length]), Buffer.from(label)]);
  return Buffer.concat([head, ...labels.flat(), Buffer.from([0])]);
}

/** On an address that meets neither the machine's resolver nor another run's. */
async function bound(): Promise<{ socket: Socket; address: string }> {
  for (let tried = 0; ; tried += 1) {
    const seat = process.pid + tried;
    const address = `127.79.${(seat >> 8) & 0xff}.${seat & 0xff || 1}`;
    const socket = createSocket('udp4');
    try {
      socket.bind(53, address);
      await once(socket, 'listening');
      return { socket, address };
    } catch (error) {
      socket.close();
      if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE' || tried > 50) throw error;
    }
  }
}
