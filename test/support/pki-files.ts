/**
 * The files of certificates as members and a balancer have them: authorities in a file that is written anew, certificate
 * and key in a directory behind a link that is swapped, so that they always match.
 */
import { copyFile, mkdir, readFile, rename, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ClusterTls } from '../../src/demo/local-cluster.ts';
import type { Certificates, KeyPairFiles } from './certificates.ts';

export class PkiFiles implements ClusterTls {
  /** Of members: `--trusted-ca-file`. */
  readonly ca: string;
  readonly serverCert: string;
  readonly serverKey: string;
  /** Of the balancer: `cacert`, and the directory of its pair. */
  readonly balancerCa: string;
  readonly balancer: string;
  readonly #member: string;
  readonly #folder: string;
  #swaps = 0;

  static async create(folder: string, { ca, server, client }: Certificates): Promise<PkiFiles> {
    const files = new PkiFiles(folder);
    await files.trust(files.ca, ca);
    await files.trust(files.balancerCa, ca);
    await files.swapMember(server);
    await files.swapBalancer(client);
    return files;
  }

  private constructor(folder: string) {
    this.#folder = folder;
    this.#member = join(folder, 'member');
    this.ca = join(folder, 'member-ca.crt');
    this.serverCert = join(this.#member, 'tls.crt');
    this.serverKey = join(this.#member, 'tls.key');
    this.balancerCa = join(folder, 'balancer-ca.crt');
    this.balancer = join(folder, 'balancer');
  }

  /** Writes authorities into a file, one after the other. */
  async trust(file: string, ...authorities: readonly string[]): Promise<void> {
    const texts = await Promise.all(authorities.map((path) => readFile(path, 'utf8')));
    await writeFile(file, texts.join('\n'));
  }

  /** Gives members another pair, all in one moment. */
  swapMember(pair: KeyPairFiles): Promise<void> {
    return this.#swap(this.#member, pair);
  }

  swapBalancer(pair: KeyPairFiles): Promise<void> {
    return this.#swap(this.balancer, pair);
  }

  async #swap(link: string, { cert, key }: KeyPairFiles): Promise<void> {
    this.#swaps += 1;
    const directory = join(this.#folder, `pair-${this.#swaps}`);
    await mkdir(directory);
    await copyFile(cert, join(directory, 'tls.crt'));
    await copyFile(key, join(directory, 'tls.key'));
    await symlink(directory, `${link}-next`);
    await rename(`${link}-next`, link);
  }
}
