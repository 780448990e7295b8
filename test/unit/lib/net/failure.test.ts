/** Errors as Node really makes them, and the reason each of them is given. */
import type { lookup } from 'node:dns';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import net from 'node:net';
import tls from 'node:tls';
import { expect, test } from 'vitest';
import { classify } from '../../../../src/lib/net/failure.ts';
import { createCertificates } from '../../../support/certificates.ts';

/** Nothing listens on port 1 of loopback. */
const closedPort = 1;

async function errorOf(socket: net.Socket): Promise<Error> {
  const [error] = (await once(socket, 'error')) as [Error];
  return error;
}

test('a closed port is refused', async () => {
  const error = await errorOf(net.connect(closedPort, '127.0.0.1'));
  expect(classify(error)).toEqual({
    reason: 'refused',
    detail: 'connect ECONNREFUSED 127.0.0.1:1',
  });
});

test('a Unix socket that is not there is refused', async () => {
  const error = await errorOf(net.connect('/tmp/etcd-lb-no-such-socket'));
  expect(classify(error).reason).toBe('refused');
});

test('a name that does not resolve is dns', async () => {
  const error = await errorOf(net.connect(2379, 'name.invalid'));
  expect(classify(error).reason).toBe('dns');
  expect(classify(error).detail).toContain('name.invalid');
});

test('a name with several addresses, all failed, is judged by the first', async () => {
  const both: typeof lookup = ((_name: string, _options: unknown, done: unknown) =>
    (done as (error: null, found: object[]) => void)(null, [
      { address: '127.0.0.1', family: 4 },
      { address: '127.0.0.2', family: 4 },
    ])) as typeof lookup;
  const error = await errorOf(net.connect({ port: closedPort, host: 'both', lookup: both }));
  expect(error).toBeInstanceOf(AggregateError);
  expect(classify(error)).toEqual({
    reason: 'refused',
    detail: 'connect ECONNREFUSED 127.0.0.1:1',
  });
});

test('a connection that the other side resets is reset', async () => {
  const server = net.createServer((socket) => socket.resetAndDestroy()).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as net.AddressInfo;
  const error = await errorOf(net.connect(port, '127.0.0.1').resume());
  expect(classify(error).reason).toBe('reset');
  server.close();
});

test('certificates that are not accepted are tls, whatever is wrong with them', async () => {
  await using certificates = await createCertificates();
  const ca = await readFile(certificates.ca);
  const dialTls = async (pair: { cert: string; key: string }, options: tls.ConnectionOptions) => {
    const [cert, key] = await Promise.all([readFile(pair.cert), readFile(pair.key)]);
    const server = tls.createServer({ cert, key }).on('tlsClientError', () => {});
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as net.AddressInfo;
    const error = await errorOf(tls.connect({ port, host: '127.0.0.1', ...options }));
    server.close();
    return classify(error);
  };
  expect(await dialTls(certificates.server, {})).toMatchObject({ reason: 'tls' });
  expect(await dialTls(certificates.stranger, { ca })).toMatchObject({ reason: 'tls' });
  expect(await dialTls(certificates.expired, { ca })).toEqual({
    reason: 'tls',
    detail: 'certificate has expired',
  });
  const wrongName = await dialTls(certificates.server, { ca, servername: 'etcd.example' });
  expect(wrongName).toMatchObject({ reason: 'tls' });
  expect(wrongName.detail).toContain('etcd.example');
});

test('TLS spoken to a plain port is tls', async () => {
  const server = net.createServer((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as net.AddressInfo;
  const error = await errorOf(tls.connect({ port, host: '127.0.0.1' }));
  expect(classify(error).reason).toBe('tls');
  server.close();
});

test('what this host is short of is local', () => {
  for (const code of ['EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM']) {
    expect(classify(Object.assign(new Error('x'), { code })).reason).toBe('local');
  }
});

test('anything else is an error, in one line that is never empty', () => {
  expect(classify(new Error('first\n  second'))).toEqual({
    reason: 'error',
    detail: 'first second',
  });
  expect(classify('words')).toEqual({ reason: 'error', detail: 'words' });
  expect(classify(undefined)).toEqual({ reason: 'error', detail: 'undefined' });
  expect(classify(new AggregateError([])).reason).toBe('error');
  expect(classify(new Error('')).detail).toBe('unknown error');
  expect(classify(Object.assign(new Error(''), { code: 'EMFILE' })).detail).toBe('EMFILE');
});
