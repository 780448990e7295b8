/**
 * A DNS server for a contestant: answers names with 127.0.0.1 until it goes silent, as one that is
 * unreachable does. A process asks it when it runs in a mount namespace of its own with another
 * resolv.conf (see `prefix`); the machine's own is not touched. Needs root: port 53, unshare.
 */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

export class NameServer implements AsyncDisposable {
  /** While true, questions are read and not answered. */
  silent = false;
  readonly #socket: Socket;
  readonly #resolvConf: string;

  static async start(folder: string): Promise<NameServer> {
    const socket = createSocket('udp4');
    // Of our own, so that it meets neither the machine's resolver nor another run's.
    const address = `127.77.${process.pid >> 8}.${process.pid & 0xff || 1}`;
    socket.bind(53, address);
    await once(socket, 'listening');
    const resolvConf = join(folder, 'resolv.conf');
    await writeFile(resolvConf, `nameserver ${address}\n`);
    return new NameServer(socket, resolvConf);
  }

  private constructor(socket: Socket, resolvConf: string) {
    this.#socket = socket;
    this.#resolvConf = resolvConf;
    socket.on('message', (question, from) => {
      if (!this.silent) socket.send(answer(question), from.port, from.address);
    });
  }

  /** To be put in front of a command that is to ask this server; the pid stays the command's. */
  get prefix(): readonly string[] {
    const script = 'mount --bind "$1" /etc/resolv.conf && shift && exec "$@"';
    return ['unshare', '--mount', 'sh', '-c', script, 'sh', this.#resolvConf];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.close();
  }
}

/** RFC 1035: the question back, with one address for type A (1) and none for any other type. */
function answer(question: Buffer): Buffer {
  let end = 12;
  while (question[end]) end += (question[end] ?? 0) + 1;
  const type = question.readUInt16BE(end + 1);
  const header = Buffer.from(question.subarray(0, 12));
  header.writeUInt16BE(0x8580, 2); // a response, authoritative, recursion offered
  header.writeUInt16BE(type === 1 ? 1 : 0, 6);
  header.writeUInt32BE(0, 8);
  const asked = question.subarray(12, end + 5);
  if (type !== 1) return Buffer.concat([header, asked]);
  // A pointer to the name, type A, class IN, 0 s to live, 4 bytes: 127.0.0.1
  const record = Buffer.from('c00c000100010000000000047f000001', 'hex');
  return Buffer.concat([header, asked, record]);
}
