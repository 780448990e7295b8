/** Real certificates, judged at other times than now: they are made to be valid for a day. */
import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { afterAll, describe, expect, test } from 'vitest';
import { parseListenAddress } from '../../../../src/config/values/listen.ts';
import {
  type CertificateInput,
  findInCertificates,
} from '../../../../src/diagnose/rules/certificates.ts';
import { createCertificates } from '../../../support/certificates.ts';
import { makePair } from '../../config/pem.ts';
import { cluster, refused } from '../observations.ts';

const day = 24 * 3_600_000;
const now = Date.now();

const parts = new AsyncDisposableStack();
afterAll(() => parts.disposeAsync());
const { server } = parts.use(await createCertificates(['*.etcd.example', '10.0.0.9']));
const certificate = new X509Certificate(await readFile(server.cert));

/** A cluster of one that shows this certificate. */
const served = cluster(1).map((each) => ({
  ...each,
  clientPort: { kind: 'open', certificate } as const,
}));

/** `warning m0: what was seen` of each finding. */
function said(input: Partial<CertificateInput>): string[] {
  return findInCertificates({
    ...{ observations: [], listen: [], tls: 'passthrough', certificates: { members: {} } },
    ...{ exposed: [], now, ...input },
  }).map(({ severity, subject, seen }) => `${severity} ${subject}: ${seen}`);
}

/** A certificate, PEM, that ends so many days from now. */
async function ending(days: number): Promise<string> {
  const validity = { notBefore: new Date(now - 400 * day), notAfter: new Date(now + days * day) };
  return (await makePair(validity)).cert;
}

describe("a member's certificate", () => {
  const end = certificate.validToDate.getTime();
  const date = certificate.validToDate.toISOString().slice(0, 10);

  test('that lasts is no finding', () => {
    expect(said({ observations: served, now: end - 31 * day })).toEqual([]);
  });

  test('that expires soon is a warning, and an error when it has', () => {
    expect(said({ observations: served, now: end - 29 * day })).toEqual([
      `warning m0: the server certificate expires in 29 days, on ${date}`,
    ]);
    expect(said({ observations: served, now: end + day })).toEqual([
      `error m0: the server certificate expired on ${date}`,
    ]);
  });

  test('of a member that is not reached is told with that, and not here', () => {
    const observations = [{ ...refused('m0'), clientPort: { kind: 'open', certificate } as const }];
    expect(said({ observations, now: end + day })).toEqual([]);
  });
});

describe('the names in it', () => {
  const listening = (...addresses: string[]) =>
    said({
      observations: served,
      listen: addresses.map(parseListenAddress),
      now: certificate.validToDate.getTime() - 31 * day,
    });

  test.each([
    '127.0.0.1:2379',
    '[::1]:2379',
    'localhost:2379',
    'lb.etcd.example:2379',
    '10.0.0.9:1',
    // Nobody connects to these under such a name.
    ':2379',
    '0.0.0.0:2379',
    'unix:/run/etcd.sock',
  ])('fit %s', (address) => expect(listening(address)).toEqual([]));

  test.each(['10.0.0.8', 'example', 'a.b.etcd.example', 'server'])('lack %s', (host) => {
    expect(listening('127.0.0.1:2379', `${host}:2379`, `${host}:2380`)).toEqual([
      `warning m0: the server certificate does not name ${host}, where --listen has the balancer`,
    ]);
  });
});

test('a certificate without names has none, whatever its subject', async () => {
  const bare = { kind: 'open', certificate: new X509Certificate(await ending(400)) } as const;
  const observations = cluster(1).map((each) => ({ ...each, clientPort: bare }));
  expect(said({ observations, listen: [parseListenAddress('test:2379')] })).toHaveLength(1);
});

describe('our own files', () => {
  test('that last, or are not given, are no findings', async () => {
    const pem = await ending(31);
    expect(said({ certificates: { members: { ca: pem, cert: pem, key: '' } } })).toEqual([]);
    expect(said({})).toEqual([]);
  });

  test('that expire soon are warnings', async () => {
    const pem = await ending(5.1);
    const date = new Date(now + 5.1 * day).toISOString().slice(0, 10);
    expect(said({ certificates: { members: { ca: pem, cert: pem, key: '' } } })).toEqual([
      `warning --cacert: the authority CN=test expires in 5 days, on ${date}`,
      `warning --cert: the client certificate expires in 5 days, on ${date}`,
    ]);
  });

  test('are looked through to the last authority; one that has expired beside others is a note', async () => {
    const ca = [await ending(400), await ending(-10), await ending(20)].join('\n');
    expect(said({ certificates: { members: { ca } } })).toEqual([
      expect.stringMatching(/^note --cacert: the authority CN=test expired on/),
      expect.stringMatching(/^warning --cacert: the authority CN=test expires in 20 days/),
    ]);
  });

  test('may begin with the certificate of the client and go on with its issuers', async () => {
    const cert = [await ending(400), await ending(2)].join('\n');
    expect(said({ certificates: { members: { cert, key: '' } } })).toEqual([]);
  });
});

describe('with TLS of our own', () => {
  const later = certificate.validToDate.getTime() - 31 * day;
  const secure = served.map((each) => ({ ...each, endpoint: 'https://10.0.0.1:2379' }));

  test('the names that count are those of --tls-cert, not those of members', async () => {
    const listen = [parseListenAddress('example:2379'), parseListenAddress('unix:/x')];
    const certificates = { members: {}, clients: { cert: await ending(400), key: '' } };
    const clients = { cert: await readFile(server.cert, 'utf8'), key: '' };
    const observations = served;
    expect(said({ tls: 'terminate', observations, listen, certificates, now: later })).toEqual([
      'warning --tls-cert: the certificate that clients see does not name example, where --listen has the balancer',
    ]);
    const fitting = [parseListenAddress('lb.etcd.example:2379')];
    expect(
      said({
        ...{ tls: 'terminate', observations, listen: fitting, now: later },
        certificates: { members: {}, clients },
      }),
    ).toEqual([]);
    expect(said({ tls: 'originate', observations, listen, now: later })).toEqual([]);
  });

  test('what clients see and whom they must be signed by may expire', async () => {
    const pem = await ending(5.1);
    const certificates = { members: {}, clients: { ca: pem, cert: pem, key: '' } };
    expect(said({ tls: 'terminate', certificates })).toEqual([
      expect.stringMatching(/^warning --tls-cert: the certificate that clients see expires in 5/),
      expect.stringMatching(/^warning --client-ca: the authority CN=test expires in 5 days/),
    ]);
  });

  test('etcd knows clients apart no more', async () => {
    const cert = await ending(400);
    const certificates = { members: { cert, key: '' } };
    const now = later;
    expect(said({ tls: 'originate', observations: secure, certificates, now })).toEqual([
      'note --tls originate: etcd sees the certificate of --cert, CN=test, for every client',
    ]);
    expect(said({ tls: 'terminate', observations: secure, now })).toEqual([]);
    expect(said({ tls: 'terminate', observations: served, certificates, now })).toEqual([]);
    expect(said({ observations: secure, certificates, now })).toEqual([]);
  });
});

test('a key that everybody may read is a warning', () => {
  expect(said({ exposed: [{ path: '/etc/key.pem', what: 'private key' }] })).toEqual([
    'warning /etc/key.pem: every user of this machine may read or replace this private key',
  ]);
});
