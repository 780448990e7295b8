/**
 * A real name server, dnsmasq, on an address of loopback of its own. A process asks it when it runs in a
 * mount namespace of its own with another resolv.conf (see `prefix`); the machine's own is not touched.
 * Needs root: port 53, unshare.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Child } from './child.ts';
import { findDnsmasq } from './programs.ts';

let servers = 0;

export class Dnsmasq implements AsyncDisposable {
  readonly #address: string;
  readonly #resolvConf: string;
  #child: Child | undefined;

  /** @param folder for its files, which may be removed when it has stopped. */
  static async start(folder: string, records: readonly string[]): Promise<Dnsmasq> {
    const server = new Dnsmasq(folder);
    await writeFile(server.#resolvConf, `nameserver ${server.#address}\n`);
    await server.serve(records);
    return server;
  }

  private constructor(folder: string) {
    servers += 1;
    this.#address = `127.78.${process.pid >> 8}.${(process.pid + servers) & 0xff || 1}`;
    this.#resolvConf = join(folder, 'resolv.conf');
  }

  /**
   * From now on it knows these, in dnsmasq's own words: `host-record=name,address`,
   * `srv-host=_service._tcp.domain,target,port,priority,weight`. Their time to live is 1 s.
   */
  async serve(records: readonly string[]): Promise<void> {
    await this.stop();
    const program = await findDnsmasq();
    const flags = [
      ...[
        '--keep-in-foreground',
        '--conf-file=/dev/null',
        '--no-resolv',
        '--no-hosts',
        '--user=root',
      ],
      ...['--bind-interfaces', `--listen-address=${this.#address}`, '--pid-file', '--local-ttl=1'],
      // It is asked for nothing else: whoever is not there does not exist.
      '--address=/#/',
    ];
    const known = records.map((record) => `--${record}`);
    this.#child = new Child('dnsmasq', [program.path, ...flags, ...known], { env: program.env });
    await this.#child.listens(53, this.#address); // TCP, on the same port
  }

  /** It answers nothing any more, until it serves again. */
  async stop(): Promise<void> {
    await this.#child?.[Symbol.asyncDispose]();
    this.#child = undefined;
  }

  /** To be put in front of a command that is to ask this server; the pid stays the command's. */
  get prefix(): readonly string[] {
    const script = 'mount --bind "$1" /etc/resolv.conf && shift && exec "$@"';
    return ['unshare', '--mount', 'sh', '-c', script, 'sh', this.#resolvConf];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}
