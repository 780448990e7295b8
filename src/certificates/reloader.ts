/**
 * Renewal: the certificates in force, read again when their files change, so that nothing has to be
 * restarted for a new one.
 *
 *   files ──► changed, and at rest ──► the checks of the start ──► in force
 *                                            └── refused: the old ones stay
 *
 * Owns what is in force. Whoever makes a connection asks for it then; connections there are stay as they
 * are.
 */
import { isDeepStrictEqual } from 'node:util';
import { watchFiles } from '../lib/file-watch.ts';
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
  #settings: Source;
  #certificates: Certificates;
  #members: MemberTls;
  /** What the files held when they were put in force, and when they were refused. */
  #applied: string | undefined;
  #refused: string | undefined;

  constructor(options: CertificateReloaderOptions) {
    const { certificates, serverName } = options.settings;
    this.#options = options;
    this.#settings = options.settings;
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
  start(signal: AbortSignal): Promise<void> {
    return watchFiles(
      () => this.#paths,
      (content) => this.#take(content),
      signal,
    );
  }

  /** Puts what was read for other settings in force. */
  configure(settings: Source): void {
    const { certificates, serverName } = settings;
    const isOther = serverName !== this.#settings.serverName;
    this.#settings = settings;
    this.#applied = undefined;
    this.#refused = undefined;
    if (isOther || !isDeepStrictEqual(certificates, this.#certificates)) this.#put(certificates);
  }

  get #paths(): string[] {
    const { clientCa, ...others } = this.#settings.certificateFiles;
    const paths = clientCa === 'none' ? others : { ...others, clientCa };
    return Object.values(paths).filter((path) => path !== undefined);
  }

  #take(content: string): void {
    if (content === this.#applied) return;
    const { onApplied, onRefused } = this.#options;
    try {
      const certificates = loadCertificates(this.#settings.certificateFiles);
      this.#applied = content;
      this.#refused = undefined;
      // The first look, or files that are back as they were.
      if (isDeepStrictEqual(certificates, this.#certificates)) return;
      this.#put(certificates);
      onApplied(certificates);
    } catch (error) {
      if (!(error instanceof SettingError)) throw error;
      // Tried again all the same: one that is not valid yet will be.
      if (content === this.#refused) return;
      this.#refused = content;
      this.#applied = undefined;
      onRefused(error);
    }
  }

  #put(certificates: Certificates): void {
    this.#certificates = certificates;
    this.#members = memberTls(certificates.members, this.#settings.serverName);
  }
}
