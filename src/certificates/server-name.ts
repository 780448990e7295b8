/**
 * The name by which a member at an IP address is known in its certificate.
 *
 * grpc-js always asks for a server by name (SNI), and Node refuses an address there since 26 (RFC 6066
 * section 3 allows none). So a member that is configured by its address gets one TLS handshake as in
 * HTTPS, which checks that the certificate is for that address; gRPC then asks for a DNS name of the
 * certificate.
 */
import { once } from 'node:events';
import { isIP } from 'node:net';
import { connect, type PeerCertificate } from 'node:tls';
import type { MemberTls } from './certificates.ts';

export interface ServerNameOptions extends MemberTls {
  readonly host: string;
  readonly port: number;
}

/**
 * Resolves with the configured name, else with the host where that is a name, else with a DNS name of
 * the certificate. Rejects when the member cannot be reached before `signal` aborts, when its
 * certificate is not accepted, or when it has no DNS name.
 */
export async function serverName(options: ServerNameOptions, signal: AbortSignal): Promise<string> {
  const { host, servername } = options;
  if (servername !== undefined) return servername;
  if (isIP(host) === 0) return host;
  const name = dnsNameIn(await certificateOf(options, signal));
  if (name !== undefined) return name;
  throw new Error(
    `its certificate names ${host} but no DNS name, which gRPC needs here; add one to its subject alternative names`,
  );
}

async function certificateOf(
  options: ServerNameOptions,
  signal: AbortSignal,
): Promise<PeerCertificate> {
  signal.throwIfAborted();
  const socket = connect({ ...options, minVersion: 'TLSv1.2' });
  socket.on('error', () => {}); // also one after the signal, when nobody waits any more
  try {
    await once(socket, 'secureConnect', { signal });
    return socket.getPeerCertificate();
  } catch (error) {
    throw signal.aborted ? signal.reason : error;
  } finally {
    socket.destroy();
  }
}

/** `DNS:etcd-0, DNS:*.etcd.local, IP Address:10.0.0.1`: the first name; a wildcard matches any label. */
export function dnsNameIn({ subjectaltname = '' }: Pick<PeerCertificate, 'subjectaltname'>) {
  const names = [...subjectaltname.matchAll(/(?:^|, )DNS:([^,]+)/g)].map(([, name = '']) => name);
  return names[0]?.replace('*', 'member');
}
