/**
 * The certificate reloader: reads the certificates in force again when their files change, so that
 * nothing has to be restarted for a new one.
 *
 *   files ──► changed, and at rest ──► the checks of the start ──► in force
 *                                            └── not usable: the previous ones stay in use
 *
 * Owns what is in force. Whoever makes a connection asks for it then; open connections stay as they
 * are.
 */
import { isDeepStrictEqual } from 'node:util';
import { watchFiles } from '../lib/files/file-watch.ts';
import { SettingError } from '../lib/setting-error.ts';
import {
  type CertificateFiles,
  type Certificates,
  loadCertificates,
  type MemberTls,
  memberTls,
} from './certificates.ts';

/** Where certificates come from, and what they are; `Settings` has this shape. */
interface Source {
  readonly certificates: Certificates;
  readonly certificateFiles: CertificateFiles;
  /** See `MemberTls.servername`. */
  readonly serverName?: string;
}

export interface CertificateReloaderOptions {
  readonly settings: Source;
  readonly onApplied: (certificates: Certificates) => void;
  /** Told once of each state of the files that cannot be used. */
  readonly onRefused: (error: SettingError) => void;
}

export class CertificateReloader {
  readonly #options: CertificateReloaderOptions;
  #source: Source;
  #members: MemberTls;
  /** What the files held when they were last read. */
  #read: { readonly content: string; readonly isUsable: boolean } | undefined;

  constructor(options: CertificateReloaderOptions) {
    this.#options = options;
    this.#source = options.settings;
    this.#members = membersOf(options.settings);
  }

  get certificates(): Certificates {
    return this.#source.certificates;
  }

  /** The same object until other certificates are in force. */
  get members(): MemberTls {
    return this.#members;
  }

  /** Looks at the files until `signal` aborts. Call it once. */
  start(signal: AbortSignal): Promise<void> {
    return watchFiles(
      () => this.#paths,
      (content) => this.#take(content),
      signal,
    );
  }

  /** Puts what was read for other settings in force. */
  configure(settings: Source): void {
    this.#read = undefined;
    this.#put(settings);
  }

  get #paths(): string[] {
    const { clientCa, ...others } = this.#source.certificateFiles;
    const paths = clientCa === 'none' ? others : { ...others, clientCa };
    return Object.values(paths).filter((path) => path !== undefined);
  }

  #take(content: string): void {
    const { onApplied, onRefused } = this.#options;
    const isKnown = content === this.#read?.content;
    // What cannot be used is tried again all the same: a certificate that is not valid yet will be.
    if (isKnown && this.#read?.isUsable) return;
    try {
      const certificates = loadCertificates(this.#source.certificateFiles);
      this.#read = { content, isUsable: true };
      if (this.#put({ ...this.#source, certificates })) onApplied(certificates);
    } catch (error) {
      if (!(error instanceof SettingError)) throw error;
      this.#read = { content, isUsable: false };
      if (!isKnown) onRefused(error);
    }
  }

  /** Returns whether anything has changed: not at the first look, nor when files are back. */
  #put(source: Source): boolean {
    const { certificates, serverName } = this.#source;
    const isOther =
      source.serverName !== serverName || !isDeepStrictEqual(source.certificates, certificates);
    this.#source = isOther ? source : { ...source, certificates };
    if (isOther) this.#members = membersOf(source);
    return isOther;
  }
}

function membersOf({ certificates, serverName }: Source): MemberTls {
  return memberTls(certificates.members, serverName);
}
