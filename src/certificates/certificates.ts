/**
 * The certificate files: `--cacert`, `--cert` and `--key`, which are for members, and `--tls-cert`,
 * `--tls-key` and `--client-ca`, which are for clients. Reads them, and throws for errors that would
 * otherwise fail every later handshake.
 *
 * Others decide when to read them (at the start, and again when they change), and use them. Only a
 * handshake tells whether members and clients accept them.
 */
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { statSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import { readTextFile } from '../lib/files/text-file.ts';
import { SettingError } from '../lib/setting-error.ts';

/**
 * What we need to speak TLS with a peer, as PEM texts. `cert` and `key` belong together; either both
 * are there or neither.
 */
export interface TlsMaterial {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}

export interface Certificates {
  /** For connections to members; `{}` if no file was given. */
  readonly members: TlsMaterial;
  /** For clients, where we speak TLS with them. Without `ca` they need no certificate. */
  readonly clients?: TlsMaterial;
}

/** What connections to members are made with, besides the address. */
export interface MemberTls extends TlsMaterial {
  /** Name to verify a member by, and to send as SNI, instead of its host. Spelt as in Node. */
  readonly servername?: string;
}

/** Joins what the files hold with the setting `server-name`. */
export function memberTls(members: TlsMaterial, serverName: string | undefined): MemberTls {
  return { ...members, ...(serverName !== undefined && { servername: serverName }) };
}

/** Paths, relative ones to the working directory. */
export interface CertificateFiles {
  readonly cacert?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  /** Or the word `none`, which is not a path. */
  readonly clientCa?: string;
}

/** Reads and checks the files. Throws `SettingError` for the setting at fault. */
export function loadCertificates(files: CertificateFiles, now = new Date()): Certificates {
  const { cacert, cert, key, tlsCert, tlsKey, clientCa } = files;
  const members = {
    ...loadAuthorities('cacert', cacert, now),
    ...loadIdentity(['cert', cert], ['key', key], now),
  };
  const authorities = clientCa === 'none' ? undefined : clientCa;
  const clients = {
    ...loadAuthorities('client-ca', authorities, now),
    ...loadIdentity(['tls-cert', tlsCert], ['tls-key', tlsKey], now),
  };
  return { members, ...(Object.keys(clients).length > 0 && { clients }) };
}

/** A file that nobody else should read. */
export interface Secret {
  readonly path: string;
  readonly what: 'private key' | 'password';
}

/** The secrets that every user of this machine may read or replace. */
export function exposedSecrets({
  certificateFiles: { key, tlsKey },
  passwordFile,
}: {
  readonly certificateFiles: CertificateFiles;
  readonly passwordFile?: string;
}): Secret[] {
  const secrets = [
    { path: key, what: 'private key' },
    { path: tlsKey, what: 'private key' },
    { path: passwordFile, what: 'password' },
  ] as const;
  return secrets.flatMap(({ path, what }) => {
    const mode = (path && statSync(path, { throwIfNoEntry: false })?.mode) || 0;
    return path !== undefined && (mode & 0o007) !== 0 ? [{ path, what }] : [];
  });
}

/** The certificates in a PEM text, in its order; may be none. Throws `Error` for a malformed one. */
export function certificatesIn(pem = ''): X509Certificate[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g) ?? [];
  return blocks.map((block) => new X509Certificate(block));
}

/** A file that was read: its text, and how to report an error in it. */
interface GivenFile {
  readonly text: string;
  /** The error to throw; `what` is said of the file. */
  readonly error: (what: string) => SettingError;
}

function read(setting: string, path: string): GivenFile {
  const text = readTextFile(setting, path);
  return { text, error: (what) => new SettingError(setting, `${path} ${what}`) };
}

function loadAuthorities(setting: string, path: string | undefined, now: Date): TlsMaterial {
  if (path === undefined) return {};
  const file = read(setting, path);
  const faults = certificatesOf(file).map((each) => validityFault(each, now));
  // While an authority is being replaced, its bundle holds the old one beside the new one.
  const [fault] = faults;
  if (fault !== undefined && !faults.includes(undefined)) throw file.error(fault);
  const ca = file.text;
  tryOut(file, { ca });
  return { ca };
}

/** A setting and the path that was given for it. */
type GivenPath = readonly [setting: string, path: string | undefined];

function loadIdentity(certGiven: GivenPath, keyGiven: GivenPath, now: Date): TlsMaterial {
  const [certSetting, certPath] = certGiven;
  const [keySetting, keyPath] = keyGiven;
  if (certPath === undefined && keyPath === undefined) return {};
  if (certPath === undefined) throw givenAlone(keySetting, certSetting);
  if (keyPath === undefined) throw givenAlone(certSetting, keySetting);
  const certFile = read(certSetting, certPath);
  const keyFile = read(keySetting, keyPath);
  const [leaf] = certificatesOf(certFile);
  const fault = leaf && validityFault(leaf, now);
  if (fault !== undefined) throw certFile.error(fault);
  if (!leaf?.checkPrivateKey(privateKeyOf(keyFile))) {
    throw keyFile.error(
      `does not belong to the certificate ${certPath} (--${certSetting}); give the two that were made together`,
    );
  }
  const material = { cert: certFile.text, key: keyFile.text };
  tryOut(certFile, material);
  return material;
}

/** For a setting that is of no use without another one. */
export function givenAlone(setting: string, other: string): SettingError {
  return new SettingError(setting, `is given without --${other}; give both, or neither`);
}

/** Has OpenSSL use the material, which alone finds some errors, such as a key that is too short. */
function tryOut(file: GivenFile, material: TlsMaterial): void {
  try {
    createSecureContext(material);
  } catch (error) {
    throw file.error(`cannot be used: ${(error as Error).message}; make another one`);
  }
}

function certificatesOf({ text, error }: GivenFile): X509Certificate[] {
  let all: X509Certificate[];
  try {
    all = certificatesIn(text);
  } catch {
    throw error('holds a malformed certificate; write the path of an intact one');
  }
  if (all.length > 0) return all;
  throw error('holds no PEM certificate; write the path of one that does');
}

function privateKeyOf({ text, error }: GivenFile): KeyObject {
  if (text.includes('ENCRYPTED')) {
    throw error('is encrypted; write the path of a key without a passphrase');
  }
  try {
    return createPrivateKey(text);
  } catch {
    throw error('holds no PEM private key; write the path of one that does');
  }
}

/** Why `certificate` cannot be used at `now`, or undefined. */
function validityFault(certificate: X509Certificate, now: Date): string | undefined {
  if (certificate.validToDate < now) {
    return `expired on ${certificate.validToDate.toISOString()}; renew it`;
  }
  if (certificate.validFromDate > now) {
    return `is not valid before ${certificate.validFromDate.toISOString()}; check this machine's clock, or use another`;
  }
  return undefined;
}
