/**
 * Upstream TLS: with members, as their client.
 *
 *   TCP ──► handshake ──► the member's certificate ──► its protocol ──► `secureConnect`
 *
 * Owns what we trust and show there, and the last TLS session of each member, which saves the next handshake
 * the signatures. dial.ts decides when to connect. A handshake that fails is an error of the socket, like a
 * refused connection.
 */
import { isIP } from 'node:net';
import { connect, createSecureContext, type SecureContext, type TLSSocket } from 'node:tls';
import type { MemberTls } from '../../certificates/certificates.ts';
import type { Member } from '../../members/member.ts';
import type { ConnectOptions } from '../dial/dial.ts';
import type { Protocol } from './first-bytes.ts';
import { modernTls } from './modern-tls.ts';
import { expiryOfPeer } from './peer-expiry.ts';

/** A TLS session of a member, and when it expires, ms since the epoch. */
interface Resumable {
  readonly session: Buffer;
  readonly expiry: number;
}

export class UpstreamTls {
  readonly #material: () => MemberTls;
  #tls: MemberTls;
  #context: SecureContext;
  #sessions = new WeakMap<Member, Resumable>();

  /**
   * @param material called before each connection; the same object until certificates are reloaded.
   * @throws when the PEM texts cannot be used together (they are validated before).
   */
  constructor(material: () => MemberTls) {
    this.#material = material;
    this.#tls = material();
    this.#context = contextOf(this.#tls);
  }

  /**
   * As `net.connect`. Emits `secureConnect` once the member has proved its identity. If it does not speak
   * `protocol`, the socket is destroyed with an error.
   */
  connect(options: ConnectOptions, protocol: Protocol): TLSSocket {
    this.#refresh();
    const { member } = options;
    // The certificate must match the host as it was named, whatever address is dialled.
    const name = this.#tls.servername ?? member.place.host;
    const sessions = this.#sessions;
    const last = sessions.get(member);
    const resumed = last !== undefined && Date.now() < last.expiry ? last : undefined;
    const socket = connect({
      ...options,
      secureContext: this.#context,
      ALPNProtocols: [protocol],
      // An address is not a server name (RFC 6066 section 3); the certificate is verified by the host.
      ...(isIP(name) === 0 && { servername: name }),
      ...(resumed && { session: resumed.session }),
    });
    socket.on('session', (session) => {
      // A resumed handshake proves nothing new: the certificates of the first one still count.
      const before = socket.isSessionReused() ? resumed?.expiry : undefined;
      sessions.set(member, { session, expiry: before ?? expiryOfPeer(socket) });
    });
    socket.once('secureConnect', () => {
      // An HTTP/2 server may treat an HTTP/1.1 client as one without ALPN, as Go's does.
      const spoken = socket.alpnProtocol || 'http/1.1';
      if (spoken !== protocol) socket.destroy(otherProtocol(spoken, protocol));
    });
    return socket;
  }

  #refresh(): void {
    const tls = this.#material();
    if (tls === this.#tls) return;
    this.#tls = tls;
    this.#context = contextOf(tls);
    // A resumed session would still rely on the previous certificates, ours and theirs.
    this.#sessions = new WeakMap();
  }
}

function contextOf({ ca, cert, key }: MemberTls): SecureContext {
  return createSecureContext({ ...modernTls, ca, cert, key });
}

function otherProtocol(spoken: string, asked: string): Error {
  const error = new Error(`speaks ${spoken} where the client speaks ${asked}`);
  return Object.assign(error, { code: 'ERR_TLS_ALPN' });
}
