/**
 * Upstream TLS: connections to members on which we speak TLS, as the client that we are to them.
 *
 *   TCP ──► handshake ──► the member's certificate ──► its protocol ──► `secureConnect`
 *
 * Owns what we trust and show there, and the last TLS session of each member, with which the next
 * handshake needs no signatures. Leaves to others when to connect (dial.ts); a handshake that fails is an
 * error of the socket, such as one that was refused.
 */
import { isIP } from 'node:net';
import { connect, createSecureContext, type SecureContext, type TLSSocket } from 'node:tls';
import type { MemberTls } from '../../certificates/certificates.ts';
import type { Member } from '../../members/member.ts';
import type { ConnectOptions } from '../dial/dial.ts';
import type { Protocol } from './first-bytes.ts';
import { modernTls } from './modern-tls.ts';
import { expiryOfPeer } from './peer-expiry.ts';

/** A TLS session of a member, and when it is over, ms since the epoch. */
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
   * @param material asked before each connection: the same object until it is renewed.
   * @throws when the PEM texts cannot be used together (they are validated before).
   */
  constructor(material: () => MemberTls) {
    this.#material = material;
    this.#tls = material();
    this.#context = contextOf(this.#tls);
  }

  /**
   * As `net.connect`. Emits `secureConnect` when the member has proved who it is and speaks `protocol`;
   * else the socket ends with an error.
   */
  connect(options: ConnectOptions, protocol: Protocol): TLSSocket {
    this.#refresh();
    const { member } = options;
    // Verified by the host as it was named, whatever address is dialled.
    const name = this.#tls.servername ?? member.place.host;
    const sessions = this.#sessions;
    const last = sessions.get(member);
    const resumed = last !== undefined && Date.now() < last.expiry ? last : undefined;
    const socket = connect({
      ...options,
      secureContext: this.#context,
      ALPNProtocols: [protocol],
      // An address is no server name (RFC 6066 section 3); it is the host, and verified as that.
      ...(isIP(name) === 0 && { servername: name }),
      ...(resumed && { session: resumed.session }),
    });
    socket.on('session', (session) => {
      // What is resumed proves nothing anew: the certificates of the first handshake go on to count.
      const before = socket.isSessionReused() ? resumed?.expiry : undefined;
      sessions.set(member, { session, expiry: before ?? expiryOfPeer(socket) });
    });
    socket.once('secureConnect', () => {
      // A server of HTTP/2 may take a client of HTTP/1.1 as one that knows no ALPN, as Go's do.
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
    // Whoever resumes is known by what it showed then, and so are we.
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
