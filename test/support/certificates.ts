/**
 * Certificates made for one test: an authority, what it signed, and what must be refused. All are
 * ECDSA P-256 and lie as PEM files in a temporary folder, which is removed on disposal.
 */
import './reflect.ts';
import { webcrypto } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as x509 from '@peculiar/x509';

/** Paths of a certificate and its key. */
export interface KeyPairFiles {
  readonly cert: string;
  readonly key: string;
}

/** What a client of mutual TLS needs: whom it trusts, and who it is. Paths, so plain data. */
export interface ClientCredentials {
  /** The authority that signed all but `stranger`. */
  readonly ca: string;
  /** For clients only. */
  readonly client: KeyPairFiles;
}

export interface Certificates extends ClientCredentials, AsyncDisposable {
  readonly folder: string;
  /** For servers and clients both, as etcd's gateway needs it: 127.0.0.1, ::1, localhost and more. */
  readonly server: KeyPairFiles;
  /** As `server`, but no longer valid since yesterday. */
  readonly expired: KeyPairFiles;
  /** Another authority, unknown to the first. */
  readonly otherCa: string;
  /** As `server`, but signed by `otherCa`. */
  readonly stranger: KeyPairFiles;
  /**
   * A further one for servers and clients both, of the first authority, with these alternative names.
   *
   * @param notAfter a day from now unless given; certificates have whole seconds.
   */
  issue(name: string, alternatives: x509.JsonGeneralNames, notAfter?: Date): Promise<KeyPairFiles>;
}

const day = 24 * 60 * 60_000;
const keyAlgorithm = { name: 'ECDSA', namedCurve: 'P-256' } as const;
const signingAlgorithm = { name: 'ECDSA', hash: 'SHA-256' } as const;

/**
 * Makes them all, in about 30 ms.
 *
 * @param names further DNS names and IP addresses for the server certificates.
 */
export async function createCertificates(names: readonly string[] = []): Promise<Certificates> {
  const folder = await mkdtemp(join(tmpdir(), 'etcd-lb-certificates-'));
  const now = Date.now();
  const { serverAuth, clientAuth } = x509.ExtendedKeyUsage;
  const allNames = ['127.0.0.1', '::1', 'localhost', ...names];

  async function authority(name: string) {
    const keys = await webcrypto.subtle.generateKey(keyAlgorithm, true, ['sign', 'verify']);
    const cert = await x509.X509CertificateGenerator.createSelfSigned({
      name: `CN=${name}`,
      notBefore: new Date(now - 2 * day),
      notAfter: new Date(now + day),
      keys,
      signingAlgorithm,
      extensions: [
        new x509.BasicConstraintsExtension(true, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true),
        await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      ],
    });
    const file = join(folder, `${name}.crt`);
    await writeFile(file, cert.toString('pem'));
    return { cert, signingKey: keys.privateKey, file };
  }

  async function issue(
    issuer: Awaited<ReturnType<typeof authority>>,
    name: string,
    usages: ConstructorParameters<typeof x509.ExtendedKeyUsageExtension>[0],
    notAfter = new Date(now + day),
    alternatives: x509.JsonGeneralNames = allNames.map((value) => ({
      type: isIP(value) ? 'ip' : 'dns',
      value,
    })),
  ): Promise<KeyPairFiles> {
    const keys = await webcrypto.subtle.generateKey(keyAlgorithm, true, ['sign', 'verify']);
    const cert = await x509.X509CertificateGenerator.create({
      subject: `CN=${name}`,
      issuer: issuer.cert.subject,
      notBefore: new Date(now - 2 * day),
      notAfter,
      publicKey: keys.publicKey,
      signingKey: issuer.signingKey,
      signingAlgorithm,
      extensions: [
        new x509.BasicConstraintsExtension(false, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
        new x509.ExtendedKeyUsageExtension(usages),
        new x509.SubjectAlternativeNameExtension(alternatives),
        await x509.AuthorityKeyIdentifierExtension.create(issuer.cert.publicKey),
      ],
    });
    const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey));
    const files = { cert: join(folder, `${name}.crt`), key: join(folder, `${name}.key`) };
    await writeFile(files.cert, cert.toString('pem'));
    await writeFile(files.key, x509.PemConverter.encode(pkcs8, 'PRIVATE KEY'), { mode: 0o600 });
    return files;
  }

  const [ca, otherCa] = await Promise.all([authority('ca'), authority('other-ca')]);
  const [server, client, expired, stranger] = await Promise.all([
    issue(ca, 'server', [serverAuth, clientAuth]),
    issue(ca, 'client', [clientAuth]),
    issue(ca, 'expired', [serverAuth, clientAuth], new Date(now - day)),
    issue(otherCa, 'stranger', [serverAuth, clientAuth]),
  ]);
  return {
    folder,
    ca: ca.file,
    server,
    client,
    expired,
    otherCa: otherCa.file,
    stranger,
    issue: (name, alternatives, notAfter) =>
      issue(ca, name, [serverAuth, clientAuth], notAfter, alternatives),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}
