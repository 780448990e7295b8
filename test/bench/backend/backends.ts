/** What stands behind the contestants, started when it is first needed, and ended after the run. */
import { rmSync } from 'node:fs';
import { createCertificates } from '../../support/certificates.ts';
import { startIperf3 } from '../load/iperf3.ts';
import { Etcd } from './etcd.ts';
import { startTcp } from './tcp.ts';

/** What a member sends to a client that does not read, bytes: more than all socket buffers hold. */
const flood = 8_000_000;

export class Backends implements AsyncDisposable {
  readonly #parts = new AsyncDisposableStack();
  readonly #started = new Map<string, Promise<unknown>>();

  /** One member of etcd, over plain text. */
  etcd(): Promise<Etcd> {
    return this.#once('etcd', async () => this.#parts.use(await Etcd.start()));
  }

  /** The same over TLS. */
  etcdTls(): Promise<Etcd> {
    return this.#once('etcdTls', async () => {
      const certificates = this.#parts.use(await createCertificates());
      const { folder, ca, server } = certificates;
      const remove = () => rmSync(folder, { recursive: true, force: true });
      process.once('exit', remove);
      this.#parts.defer(() => void process.off('exit', remove));
      return this.#parts.use(await Etcd.start({ ca, ...server }));
    });
  }

  /** A member that greets with one byte and is silent then; its port. */
  silent(): Promise<number> {
    return this.#once('silent', () => this.#tcp(1));
  }

  /** A member that sends each client 8 MB at once; its port. */
  flooding(): Promise<number> {
    return this.#once('flooding', () => this.#tcp(flood));
  }

  /** The server of iperf3; its port. */
  iperf3(): Promise<number> {
    return this.#once('iperf3', async () => {
      const { port, child } = await startIperf3();
      this.#parts.use(child);
      return port;
    });
  }

  async #tcp(bytes: number): Promise<number> {
    const { port, child } = await startTcp(bytes);
    this.#parts.use(child);
    return port;
  }

  #once<T>(name: string, start: () => Promise<T>): Promise<T> {
    const started = (this.#started.get(name) as Promise<T> | undefined) ?? start();
    this.#started.set(name, started);
    return started;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // What is only just starting must be there to be ended.
    await Promise.allSettled(this.#started.values());
    await this.#parts.disposeAsync();
  }
}
