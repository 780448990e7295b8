/** Whom sd_notify(3) speaks to: a socket of datagrams, which tells of each who sent it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** Node has no such sockets. Descriptors that come along are closed, as `systemd-notify` waits for. */
const program = `
import array, json, os, socket, struct, sys
path = sys.argv[1]
receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
receiver.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
receiver.bind('\\0' + path[1:] if path.startswith('@') else path)
print(json.dumps({'pid': 0, 'text': 'bound'}), flush=True)
while True:
    data, ancillary, _, _ = receiver.recvmsg(65536, 256)
    pid = 0
    for level, kind, value in ancillary:
        if kind == socket.SCM_CREDENTIALS:
            pid = struct.unpack('3i', value[:12])[0]
        elif kind == socket.SCM_RIGHTS:
            for descriptor in array.array('i', value):
                os.close(descriptor)
    print(json.dumps({'pid': pid, 'text': data.decode()}), flush=True)
`;

export interface Message {
  /** Of the process that sent it, as the kernel says. */
  readonly pid: number;
  readonly text: string;
}

export class NotifyReceiver implements AsyncDisposable {
  /** All so far. */
  readonly messages: Message[] = [];
  /** What NOTIFY_SOCKET is to say. */
  readonly path: string;
  readonly #folder: string;
  readonly #child: ChildProcess;
  readonly #arrived = new EventEmitter();

  /** @param kind of its name: a file, or one without (Linux's abstract names). */
  static async start(kind: 'file' | 'abstract' = 'file'): Promise<NotifyReceiver> {
    const folder = await mkdtemp(join(tmpdir(), 'etcd-lb-notify-'));
    const path = join(folder, 'notify');
    return NotifyReceiver.#start(folder, kind === 'file' ? path : `@${path}`);
  }

  /** As a receiver that comes late: the name is given, and so is `folder`, which is removed at the end. */
  static startIn(folder: string): Promise<NotifyReceiver> {
    return NotifyReceiver.#start(folder, join(folder, 'notify'));
  }

  static async #start(folder: string, path: string): Promise<NotifyReceiver> {
    const receiver = new NotifyReceiver(folder, path);
    await receiver.received('bound');
    receiver.messages.shift();
    return receiver;
  }

  private constructor(folder: string, path: string) {
    this.#folder = folder;
    this.path = path;
    const child = spawn('python3', ['-c', program, path], { stdio: ['ignore', 'pipe', 'inherit'] });
    this.#child = child;
    createInterface({ input: child.stdout }).on('line', (line) => {
      this.messages.push(JSON.parse(line) as Message);
      this.#arrived.emit('message');
    });
  }

  /** Resolves with the first message, past ones included, that has this line or a line like it. */
  async received(line: string | RegExp): Promise<Message> {
    const matches = (each: string) => (typeof line === 'string' ? each === line : line.test(each));
    for (;;) {
      const found = this.messages.find(({ text }) => text.split('\n').some(matches));
      if (found !== undefined) return found;
      await once(this.#arrived, 'message');
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill();
    await once(this.#child, 'close');
    await rm(this.#folder, { recursive: true });
  }
}
