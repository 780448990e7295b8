/**
 * Until when a TLS session may be resumed. Neither OpenSSL nor Node verifies the certificate again when a
 * session is resumed. In TLS 1.3 each resumption brings a new ticket, so a session would never end by itself.
 */
import type { DetailedPeerCertificate, TLSSocket } from 'node:tls';

/**
 * When the first certificate of the peer's chain expires, including its authority, ms since the epoch.
 * `Infinity` if the peer has shown none, and on a resumed connection, which does not carry the chain.
 */
export function expiryOfPeer(socket: TLSSocket): number {
  if (socket.isSessionReused()) return Number.POSITIVE_INFINITY;
  let expiry = Number.POSITIVE_INFINITY;
  const seen = new Set<DetailedPeerCertificate>();
  let certificate: DetailedPeerCertificate | undefined = socket.getPeerCertificate(true);
  // A root authority is its own issuer. Without a certificate Node returns an empty object.
  while (certificate?.valid_to !== undefined && !seen.has(certificate)) {
    seen.add(certificate);
    expiry = Math.min(expiry, Date.parse(certificate.valid_to));
    certificate = certificate.issuerCertificate;
  }
  return expiry;
}
