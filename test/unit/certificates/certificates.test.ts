import { generateKeyPairSync } from 'node:crypto';
import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { exposedSecrets, loadCertificates } from '../../../src/certificates/certificates.ts';
import { folderWith } from '../config/folder.ts';
import { makePair } from '../config/pem.ts';
import { refused } from '../config/refused.ts';

const hour = 3_600_000;
const past = { notBefore: new Date(Date.now() - 2 * hour), notAfter: new Date(Date.now() - hour) };
const future = {
  notBefore: new Date(Date.now() + hour),
  notAfter: new Date(Date.now() + 2 * hour),
};

const good = await makePair();
const other = await makePair();
const expired = await makePair(past);
const early = await makePair(future);

/** A folder with these files, and the flags that name them. */
function flagsFor<Name extends string>(
  files: Readonly<Record<Name, string>>,
): Record<Name | 'endpoints', string> {
  const folder = folderWith(files);
  const paths = Object.keys(files).map((name) => [name, join(folder, name)]);
  return { endpoints: '10.0.0.1', ...Object.fromEntries(paths) };
}

describe('certificates', () => {
  test('none at all', () => {
    expect(loadCertificates({})).toEqual({ members: {} });
  });

  test('an authority, a certificate and its key', () => {
    const { cacert, cert, key } = flagsFor({ cacert: other.cert, ...good });
    expect(loadCertificates({ cacert, cert, key })).toEqual({
      members: { ca: other.cert, ...good },
    });
  });

  test('a certificate followed by its issuers', () => {
    const chain = `${good.cert}\n${other.cert}`;
    const { cert, key } = flagsFor({ cert: chain, key: good.key });
    expect(loadCertificates({ cert, key }).members.cert).toBe(chain);
  });

  test('a bundle in which the old authority has expired beside the new one', () => {
    const { cacert } = flagsFor({ cacert: `${expired.cert}\n${good.cert}` });
    expect(loadCertificates({ cacert }).members.ca).toContain(good.cert);
  });
});

describe('certificates are refused', () => {
  test('when a file cannot be read', () => {
    for (const setting of ['cacert', 'cert', 'key']) {
      const flags = { ...flagsFor({ cacert: good.cert, ...good }), [setting]: '/no/such/file' };
      expect(refused(flags)).toBe(
        `--${setting}: /no/such/file cannot be read: no such file or directory; write the path of a file that this user may read.`,
      );
    }
  });

  test('when a file is not PEM', () => {
    const flags = flagsFor({ cacert: 'hello', ...good });
    expect(refused(flags)).toBe(
      `--cacert: ${flags.cacert} holds no PEM certificate; write the path of one that does.`,
    );
  });

  test('when certificate and key are confused', () => {
    const flags = flagsFor({ cert: good.key, key: good.cert });
    expect(refused(flags)).toContain(`--cert: ${flags.cert} holds no PEM certificate`);
    const keyIsCertificate = flagsFor({ cert: good.cert, key: good.cert });
    expect(refused(keyIsCertificate)).toBe(
      `--key: ${keyIsCertificate.key} holds no PEM private key; write the path of one that does.`,
    );
  });

  test('when malformed', () => {
    const broken = good.cert.replace(/\n[\w+/]{20}/, '\n');
    const flags = flagsFor({ cert: broken, key: good.key });
    expect(refused(flags)).toBe(
      `--cert: ${flags.cert} holds a malformed certificate; write the path of an intact one.`,
    );
  });

  test('without the other half', () => {
    expect(refused(flagsFor({ cert: good.cert }))).toBe(
      '--cert: is given without --key; give both, or neither.',
    );
    expect(refused(flagsFor({ key: good.key }))).toBe(
      '--key: is given without --cert; give both, or neither.',
    );
  });

  test('when the key belongs to another certificate', () => {
    const flags = flagsFor({ cert: good.cert, key: other.key });
    expect(refused(flags)).toBe(
      `--key: ${flags.key} does not belong to the certificate ${flags.cert} (--cert); give the two that were made together.`,
    );
  });

  test('when the key has a passphrase', () => {
    const key = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({
      type: 'pkcs8',
      format: 'pem',
      cipher: 'aes-256-cbc',
      passphrase: 'secret',
    });
    const flags = flagsFor({ cert: good.cert, key: String(key) });
    expect(refused(flags)).toBe(
      `--key: ${flags.key} is encrypted; write the path of a key without a passphrase.`,
    );
  });

  test('when expired, with the date', () => {
    const date = new Date(Math.floor(past.notAfter.getTime() / 1000) * 1000).toISOString();
    const cert = flagsFor(expired);
    expect(refused(cert)).toBe(`--cert: ${cert.cert} expired on ${date}; renew it.`);
    const cacert = flagsFor({ cacert: `${expired.cert}\n${expired.cert}` });
    expect(refused(cacert)).toBe(`--cacert: ${cacert.cacert} expired on ${date}; renew it.`);
  });

  test('when not yet valid, with the date', () => {
    const date = new Date(Math.floor(future.notBefore.getTime() / 1000) * 1000).toISOString();
    const flags = flagsFor({ cacert: early.cert });
    expect(refused(flags)).toBe(
      `--cacert: ${flags.cacert} is not valid before ${date}; check this machine's clock, or use another.`,
    );
    expect(refused(flagsFor(early))).toContain(`is not valid before ${date}`);
  });
});

test('keys and passwords that everybody may read are named, others are not', () => {
  const files = flagsFor({ key: good.key, tlsKey: other.key, passwordFile: 'secret' });
  const { key, tlsKey, passwordFile } = files;
  chmodSync(key, 0o604);
  chmodSync(tlsKey, 0o640);
  chmodSync(passwordFile, 0o602);
  expect(exposedSecrets({ certificateFiles: { key, tlsKey }, passwordFile })).toEqual([
    { path: key, what: 'private key' },
    { path: passwordFile, what: 'password' },
  ]);
  expect(exposedSecrets({ certificateFiles: {} })).toEqual([]);
});
