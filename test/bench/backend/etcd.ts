/**
 * The etcd that answers every RPC of a run: one member, so that all contestants have the same
 * behind them. It listens on several addresses of loopback, each of which a contestant may take for
 * a member of its own.
 */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { join } from 'node:path';
import { findEtcd } from '../../../src/demo/etcd-binary.ts';
import { freePorts } from '../../../src/demo/free-ports.ts';
import type { Endpoint, MemberTls } from '../../contestants/contestant.ts';
import { Child } from '../../machine/child.ts';
import { Folder } from '../../machine/folder.ts';
import { manyDescriptors } from '../load/descriptors.ts';
import { largeBytes, largeKey, smallKey } from '../load/requests.ts';

/** As many members as the issue asks for at most. */
const hosts = Array.from({ length: 9 }, (_, index) => `127.0.0.${index + 1}`);

export class Etcd implements AsyncDisposable {
  /** Port of its clients, the same on every address. */
  readonly port: number;
  /** Where contestants may check it in plain HTTP, also when its clients speak TLS. */
  readonly checkPort: number;
  readonly tls: MemberTls | undefined;
  readonly #child: Child;
  readonly #folder = new Folder();

  /** Resolves when it holds the keys that are asked for. */
  static async start(tls?: MemberTls): Promise<Etcd> {
    const { etcd } = await findEtcd({ onProgress: console.log });
    const [port = 0, checkPort = 0, peerPort = 0] = await freePorts(3);
    const started = new Etcd(etcd, { port, checkPort, peerPort }, tls);
    try {
      await started.#fill();
      return started;
    } catch (error) {
      await started[Symbol.asyncDispose]();
      throw error;
    }
  }

  private constructor(
    etcd: string,
    ports: { readonly port: number; readonly checkPort: number; readonly peerPort: number },
    tls: MemberTls | undefined,
  ) {
    this.port = ports.port;
    this.checkPort = ports.checkPort;
    this.tls = tls;
    const scheme = tls ? 'https' : 'http';
    const peer = `http://127.0.0.1:${ports.peerPort}`;
    const every = (port: number, s: string) => hosts.map((host) => `${s}://${host}:${port}`).join();
    this.#child = new Child('etcd', [
      ...manyDescriptors,
      ...[etcd, '--name', 'm0', '--data-dir', join(this.#folder.path, 'data')],
      ...['--listen-client-urls', every(ports.port, scheme)],
      ...['--advertise-client-urls', `${scheme}://127.0.0.1:${ports.port}`],
      ...['--listen-metrics-urls', every(ports.checkPort, 'http')],
      ...['--listen-peer-urls', peer, '--initial-advertise-peer-urls', peer],
      ...['--initial-cluster', `m0=${peer}`],
      ...['--logger', 'zap', '--log-outputs', 'stderr', '--log-level', 'warn'],
      // Clients show no certificate, since h2load has none to show.
      ...(tls ? ['--cert-file', tls.cert, '--key-file', tls.key] : []),
    ]);
    // Before the folder's own handler: it must not write while its folder goes.
    process.prependOnceListener('exit', this.#onExit);
  }

  /** It, as so many members on hosts of their own. */
  members(count: number): Endpoint[] {
    return hosts
      .slice(0, count)
      .map((host, index) => ({ name: `m${index}`, host, port: this.port }));
  }

  async #fill(): Promise<void> {
    await this.#child.until('answer /health', async () => {
      const answer = await fetch(`http://127.0.0.1:${this.checkPort}/health`, {
        headers: { connection: 'close' },
      }).catch(() => undefined);
      return (await answer?.text())?.includes('"true"') || undefined;
    });
    await this.#put(smallKey, Buffer.from('bar'));
    await this.#put(largeKey, Buffer.alloc(largeBytes, 'x'));
  }

  async #put(key: string, value: Buffer): Promise<void> {
    const { tls } = this;
    const call = tls
      ? httpsRequest({ ...this.#putOptions, ca: readFileSync(tls.ca) })
      : httpRequest(this.#putOptions);
    call.end(
      JSON.stringify({
        key: Buffer.from(key).toString('base64'),
        value: value.toString('base64'),
      }),
    );
    const [response] = await once(call, 'response');
    response.resume();
    if (response.statusCode !== 200) throw new Error(`etcd answered ${response.statusCode} to put`);
  }

  get #putOptions() {
    const { port } = this;
    return { host: '127.0.0.1', port, path: '/v3/kv/put', method: 'POST', agent: false } as const;
  }

  readonly #onExit = (): void => this.#child.endNow();

  async [Symbol.asyncDispose](): Promise<void> {
    process.off('exit', this.#onExit);
    await this.#child.end();
    this.#folder[Symbol.dispose]();
  }
}
