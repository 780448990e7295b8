/**
 * Renewal: the certificates in force, read again when their files change, so that nothing has to be
 * restarted for a new one.
 *
 *   files ──► changed, and at rest ──► the checks of the start ──► in force
 *                                            └── refused: the old ones stay
 *
 * Files are looked at, not watched: kubeadm and cert-manager write them in place, Kubernetes swaps a link
 * to a folder above them, and a network's file system tells of nothing. Owns the timer and what is in
 * force. Whoever makes a connection asks for it then; connections there are stay as they are.
 */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { setInterval } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import {
  type Certificates,
  loadCertificates,
  type MemberTls,
  memberTls,
} from './config/certificates.ts';
import { Refusal } from './config/error.ts';
import type { Settings } from './config/settings.ts';

export interface RenewalOptions {
  readonly settings: Pick<Settings, 'certificates' | 'certificateFiles' | 'serverName'>;
  readonly onApplied: (certificates: Certificates) => void;
  /** Told once of each state of the files that cannot be used. */
  readonly onRefused: (refusal: Refusal) => void;
}

/** Between two looks, ms. A pair that is being written must be the same in two of them. */
const interval = 2_000;

export class Renewal {
  readonly #options: RenewalOptions;
  #certificates: Certificates;
  #members: MemberTls;
  /** What the files held: at the last look, when they were put in force, and when they were refused. */
  #seen: string | undefined;
  #applied: string | undefined;
  #refused: string | undefined;

  constructor(options: RenewalOptions) {
    const { certificates, serverName } = options.settings;
    this.#options = options;
    this.#certificates = certificates;
    this.#members = memberTls(certificates.members, serverName);
  }

  get certificates(): Certificates {
    return this.#certificates;
  }

  /** The same object until it is renewed. */
  get members(): MemberTls {
    return this.#members;
  }

  /** Looks at the files until `signal` aborts. Call it once. */
  async start(signal: AbortSignal): Promise<void> {
    if (this.#paths.length === 0) return;
    try {
      for await (const _ of setInterval(interval, undefined, { signal })) await this.#look();
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  get #paths(): string[] {
    const { clientCa, ...others } = this.#options.settings.certificateFiles;
    const paths = clientCa === 'none' ? others : { ...others, clientCa };
    return Object.values(paths).filter((path) => path !== undefined);
  }

  async #look(): Promise<void> {
    const content = await this.#read();
    const isAtRest = content === this.#seen;
    this.#seen = content;
    if (!isAtRest || content === this.#applied) return;
    const { settings, onApplied, onRefused } = this.#options;
    try {
      const certificates = loadCertificates(settings.certificateFiles);
      this.#applied = content;
      this.#refused = undefined;
      // The first look, or files that are back as they were.
      if (isDeepStrictEqual(certificates, this.#certificates)) return;
      this.#certificates = certificates;
      this.#members = memberTls(certificates.members, settings.serverName);
      onApplied(certificates);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      // Tried again all the same: one that is not valid yet will be.
      if (content === this.#refused) return;
      this.#refused = content;
      this.#applied = undefined;
      onRefused(error);
    }
  }

  /** A digest of what the files hold, keys included; of one that cannot be read, why. */
  async #read(): Promise<string> {
    const digest = createHash('sha256');
    for (const path of this.#paths) {
      const text = await readFile(path, 'utf8').catch((error: Error) => `unread: ${error.message}`);
      digest.update(`${text.length}:${text}`);
    }
    return digest.digest('hex');
  }
}
