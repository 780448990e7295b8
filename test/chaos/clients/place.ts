/** How each kind of client connects to one place. */
import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { Etcd3 } from 'etcd3';
import { etcd3, withoutRetries } from '../../support/clients.ts';
import type { Place } from './plan.ts';

/** An etcd3 client; what fails is not repeated. grpc-js knows Unix sockets by the same URL. */
export function etcd3Client({ url, tls }: Place): Etcd3 {
  const credentials = tls && { ca: tls.ca, client: { cert: tls.cert, key: tls.key } };
  return etcd3(url, credentials, { faultHandling: withoutRetries });
}

/** The first words of an etcdctl command; the variable ETCDCTL_API=3 is to be set too. */
export function etcdctlCommand(etcdctl: string, { url, tls }: Place): string[] {
  const files = tls ? ['--cacert', tls.ca, '--cert', tls.cert, '--key', tls.key] : [];
  return [etcdctl, '--endpoints', url, ...files];
}

/** Connects for HTTP/1.1. The first bytes may be written at once; its errors are the caller's. */
export function connectHttp1({ url, tls }: Place): Socket {
  const { protocol, hostname, port, pathname } = new URL(url);
  const socket =
    protocol === 'unix:' ? connect(pathname) : connect({ host: hostname, port: Number(port) });
  if (tls === undefined) return socket;
  return connectTls({
    // A socket of our own below, whose bytes are those of the wire.
    socket,
    ...{ ca: readFileSync(tls.ca), cert: readFileSync(tls.cert), key: readFileSync(tls.key) },
    // Node sends no server name for an address; `localhost` is in every certificate of a cluster.
    ...{ servername: 'localhost', ALPNProtocols: ['http/1.1'] },
  });
}
