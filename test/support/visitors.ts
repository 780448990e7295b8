/** Clients that connect without pause, ask etcd one question on each connection, and remember what failed. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

export class Visitors implements AsyncDisposable {
  readonly failures: string[] = [];
  #visits = 0;
  #isOver = false;
  readonly #working: Promise<unknown>;

  constructor(port: number, count: number) {
    this.#working = Promise.all(Array.from({ length: count }, () => this.#run(port)));
  }

  /** Resolves when as many more have come to their end. */
  async more(visits: number): Promise<void> {
    const goal = this.#visits + visits;
    while (this.#visits < goal) await delay(10);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOver = true;
    await this.#working;
  }

  async #run(port: number): Promise<void> {
    for (; !this.#isOver; this.#visits += 1) {
      await askVersion(port).catch((error) => this.failures.push(String(error)));
    }
  }
}

async function askVersion(port: number): Promise<void> {
  const socket = connect({ port, host: '127.0.0.1' });
  let answer = '';
  socket.on('data', (chunk) => {
    answer += chunk;
  });
  socket.write('GET /version HTTP/1.1\r\nHost: etcd\r\nConnection: close\r\n\r\n');
  await once(socket, 'close');
  if (!answer.includes('etcdserver')) throw new Error(`no answer: ${JSON.stringify(answer)}`);
}
