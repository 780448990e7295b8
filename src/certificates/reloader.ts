/**
 * The certificate reloader: reads the certificates again when their files change, so that nothing has
 * to be restarted for a new one.
 *
 *   files ──► changed, and stable ──► the checks of the start ──► in use
 *                                           └── not usable: the previous ones stay in use
 *
 * Owns the certificates in use. Each new connection reads them here; open connections do not change.
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
import { type CertificateInUse, certificatesInUse } from './expiry.ts';

/** The certificates, and the files that they come from; `Settings` has this shape. */
interface Source {
  readonly certificates: Certificates;
  readonly certificateFiles: CertificateFiles;
  /** See `MemberTls.servername`. */
  readonly serverName?: string;
}

export interface CertificateReloaderOptions {
  readonly settings: Source;
  readonly onApplied: (certificates: Certificates) => void;
  /** Called once for each content of the files that cannot be used. */
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

  /** Those in use, with the file of each, at `now` (ms since the epoch). */
  inUse(now: number): readonly CertificateInUse[] {
    const { certificates, certificateFiles } = this.#source;
    return certificatesInUse(certificates, certificateFiles, now);
  }

  /** The same object until the certificates change. */
  get members(): MemberTls {
    return this.#members;
  }

  /** Watches the files until `signal` aborts. Call it once. */
  start(signal: AbortSignal): Promise<void> {
    return watchFiles(
      () => this.#paths,
      (content) => this.#onStable(content),
      signal,
    );
  }

  /** Uses the certificates that a reload of the settings has read. */
  configure(settings: Source): void {
    this.#read = undefined;
    this.#use(settings);
  }

  get #paths(): string[] {
    const { clientCa, ...others } = this.#source.certificateFiles;
    const paths = clientCa === 'none' ? others : { ...others, clientCa };
    return Object.values(paths).filter((path) => path !== undefined);
  }

  #onStable(content: string): void {
    const { onApplied, onRefused } = this.#options;
    const isKnown = content === this.#read?.content;
    // Files that could not be used are tried again: a certificate may become valid with time.
    if (isKnown && this.#read?.isUsable) return;
    try {
      const certificates = loadCertificates(this.#source.certificateFiles);
      this.#read = { content, isUsable: true };
      if (this.#use({ ...this.#source, certificates })) onApplied(certificates);
    } catch (error) {
      if (!(error instanceof SettingError)) throw error;
      this.#read = { content, isUsable: false };
      if (!isKnown) onRefused(error);
    }
  }

  /** Returns whether anything changed. Not so at the first read, nor when earlier content returns. */
  #use(source: Source): boolean {
    const { certificates, serverName } = this.#source;
    const hasChanged =
      source.serverName !== serverName || !isDeepStrictEqual(source.certificates, certificates);
    this.#source = hasChanged ? source : { ...source, certificates };
    if (hasChanged) this.#members = membersOf(source);
    return hasChanged;
  }
}

function membersOf({ certificates, serverName }: Source): MemberTls {
  return memberTls(certificates.members, serverName);
}
