/**
 * The files behind `--cacert`, `--cert` and `--key`: read, and refused at start-up for whatever
 * would otherwise show as a failing handshake with every member later.
 *
 * They serve the checks and the questions to members only; client traffic keeps its own TLS, which passes through. Whether
 * the members accept them is for the first check to find out.
 */
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { Refusal } from './error.ts';
import { readTextFile } from './text-file.ts';

/** PEM texts. `cert` and `key` are both there or both not, and belong together. */
export interface TlsMaterial {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}

/** Paths, relative ones to the working directory. */
export interface CertificateFiles {
  readonly cacert?: string;
  readonly cert?: string;
  readonly key?: string;
}

/** Reads and checks the files; `{}` for none. Throws `Refusal` for the setting to blame. */
export function loadCertificates(files: CertificateFiles, now = new Date()): TlsMaterial {
  return { ...loadAuthorities(files, now), ...loadIdentity(files, now) };
}

function loadAuthorities({ cacert: path }: CertificateFiles, now: Date): TlsMaterial {
  if (path === undefined) return {};
  const ca = readTextFile('cacert', path);
  const faults = certificatesIn('cacert', path, ca).map((each) => validityFault(each, now));
  // While an authority is being replaced, its bundle holds the old one beside the new one.
  const [fault] = faults;
  if (fault !== undefined && !faults.includes(undefined)) {
    throw new Refusal('cacert', `${path} ${fault}`);
  }
  return { ca };
}

function loadIdentity(files: CertificateFiles, now: Date): TlsMaterial {
  if (files.cert === undefined && files.key === undefined) return {};
  if (files.cert === undefined) {
    throw new Refusal('key', 'is given without --cert; give both, or neither');
  }
  if (files.key === undefined) {
    throw new Refusal('cert', 'is given without --key; give both, or neither');
  }
  const cert = readTextFile('cert', files.cert);
  const key = readTextFile('key', files.key);
  const [leaf] = certificatesIn('cert', files.cert, cert);
  const fault = leaf && validityFault(leaf, now);
  if (fault !== undefined) throw new Refusal('cert', `${files.cert} ${fault}`);
  if (!leaf?.checkPrivateKey(privateKeyIn(files.key, key))) {
    throw new Refusal(
      'key',
      `${files.key} does not belong to the certificate ${files.cert} (--cert); give the two that were made together`,
    );
  }
  return { cert, key };
}

function certificatesIn(setting: string, path: string, pem: string): X509Certificate[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g);
  if (blocks === null) {
    throw new Refusal(setting, `${path} holds no PEM certificate; write the path of one that does`);
  }
  return blocks.map((block) => {
    try {
      return new X509Certificate(block);
    } catch {
      throw new Refusal(
        setting,
        `${path} holds a malformed certificate; write the path of an intact one`,
      );
    }
  });
}

function privateKeyIn(path: string, pem: string): KeyObject {
  if (pem.includes('ENCRYPTED')) {
    throw new Refusal('key', `${path} is encrypted; write the path of a key without a passphrase`);
  }
  try {
    return createPrivateKey(pem);
  } catch {
    throw new Refusal('key', `${path} holds no PEM private key; write the path of one that does`);
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
