/** By which name gRPC may ask for a member, against real TLS servers. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:tls';
import { expect, test } from 'vitest';
import { dnsNameIn, serverName } from '../../../src/certificates/server-name.ts';
import { createCertificates } from '../../support/certificates.ts';

const soon = () => AbortSignal.timeout(5_000);

test.each([
  ['DNS:etcd-0, DNS:localhost, IP Address:10.0.0.1', 'etcd-0'],
  ['IP Address:10.0.0.1, DNS:localhost', 'localhost'],
  ['DNS:*.etcd.local', 'member.etcd.local'],
  ['IP Address:10.0.0.1', undefined],
  [undefined, undefined],
])('of %s it is %s', (subjectaltname, name) => {
  expect(dnsNameIn(subjectaltname === undefined ? {} : { subjectaltname })).toBe(name);
});

test('a name is taken as it is, and nobody is asked', async () => {
  expect(await serverName({ host: 'etcd-0.example', port: 1 }, soon())).toBe('etcd-0.example');
});

test('an address is asked for its certificate, which must be for that address', async () => {
  await using certificates = await createCertificates();
  const ca = readFileSync(certificates.ca, 'utf8');
  const { cert, key } = certificates.server;
  const server = createServer({ cert: readFileSync(cert), key: readFileSync(key) });
  server.listen(0);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  try {
    expect(await serverName({ host: '127.0.0.1', port, ca }, soon())).toBe('localhost');
    await expect(serverName({ host: '127.0.0.2', port, ca }, soon())).rejects.toThrow(
      /127\.0\.0\.2/,
    );
    await expect(serverName({ host: '127.0.0.1', port }, soon())).rejects.toThrow(/certificate/);
    await expect(
      serverName({ host: '127.0.0.1', port, ca }, AbortSignal.abort(new Error('stopped'))),
    ).rejects.toThrow('stopped');
  } finally {
    server.close();
  }
});
