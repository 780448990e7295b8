/**
 * Downstream TLS: with clients, as the server that we are to them.
 *
 *   accepted ──► handshake ──► certificate of an authority ──► name on the list ──► plain bytes
 *                   └───────────────┴──────────────────────────────┴──► closed, and counted by reason
 *
 * Owns a TLS server that listens nowhere: connections that listeners have accepted are put into it. Node's
 * server brings the bound on a handshake, session tickets and their keys. It is replaced when its
 * certificates are, and when a certificate expires that it has let in. Leaves to others who is a waiting
 * client (data-path.ts).
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { Socket } from 'node:net';
import { createServer, type Server, type TLSSocket } from 'node:tls';
import type { TlsMaterial } from '../../certificates/certificates.ts';
import { carriesOneOf } from './certificate-names.ts';
import type { Protocol } from './first-bytes.ts';
import { modernTls } from './modern-tls.ts';
import { expiryOfPeer } from './peer-expiry.ts';

/** Why a client got no TLS connection. Used as a metric label. */
export const handshakeFailures = [
  'no-certificate', // it showed none, and must
  'untrusted', // no authority of --client-ca has signed what it showed, or it has expired
  'not-allowed', // it carries no name of --allow-client
  'rejected', // the client did not accept our certificate
  'protocol', // what it sent is no TLS, or none that we speak
  'timeout',
  'closed', // it left in between
] as const;
export type HandshakeFailure = (typeof handshakeFailures)[number];

export interface DownstreamTlsOptions {
  /**
   * What clients see; they need a certificate if there is a `ca`. Asked before each handshake: the same
   * object until it is renewed.
   */
  readonly tls: () => TlsMaterial;
  /** Names of which a client's certificate must carry one; empty for any. */
  readonly allow: () => readonly string[];
  readonly onFailure: (reason: HandshakeFailure) => void;
}

/** Bound on a handshake, ms. */
const handshakeTimeout = 5_000;

type Settle = (secure?: TLSSocket) => void;

export class DownstreamTls {
  readonly #options: DownstreamTlsOptions;
  #tls: TlsMaterial;
  #server: Server;
  /** When the first certificate expires of those on which `#server` has issued session tickets. */
  #expiry = Number.POSITIVE_INFINITY;
  /** Whose handshake has ended well: the server names only the socket that it made. */
  readonly #current = new AsyncLocalStorage<Settle>();

  /** Throws when the PEM texts cannot be used together (they are validated before). */
  constructor(options: DownstreamTlsOptions) {
    this.#options = options;
    this.#tls = options.tls();
    this.#server = this.#createServer();
  }

  /**
   * Takes an accepted, paused and unread connection through the handshake. Resolves with the connection to
   * read and write in its place, paused and unread too; with `undefined`, and it closed, when there is none,
   * or when `signal` aborts. Never rejects.
   */
  accept(client: Socket, signal: AbortSignal): Promise<TLSSocket | undefined> {
    this.#refresh();
    const { promise, resolve } = Promise.withResolvers<TLSSocket | undefined>();
    const onAbort = (): void => void client.destroy();
    const onClose = (): void => settle();
    const settle: Settle = (secure) => {
      client.off('close', onClose);
      signal.removeEventListener('abort', onAbort);
      resolve(secure);
    };
    // Who leaves during the handshake is gone; half of a connection is of use only after it.
    client.allowHalfOpen = false;
    client.once('close', onClose);
    signal.addEventListener('abort', onAbort);
    if (client.destroyed) settle();
    else this.#current.run(settle, () => this.#server.emit('connection', client));
    return promise;
  }

  /**
   * A new server, since whether it asks for certificates is fixed when it is made. Its ticket keys are new
   * too: a resumed handshake verifies nothing, so nobody may resume what another authority has let in, or
   * what would be refused by now. Handshakes under way end on the server that they began on.
   */
  #refresh(): void {
    const tls = this.#options.tls();
    if (tls === this.#tls && Date.now() < this.#expiry) return;
    this.#tls = tls;
    this.#expiry = Number.POSITIVE_INFINITY;
    this.#server = this.#createServer();
  }

  #createServer(): Server {
    const { allow, onFailure } = this.#options;
    const { ca, cert, key } = this.#tls;
    const server = createServer({
      ...{ ...modernTls, ca, cert, key, handshakeTimeout },
      ALPNProtocols: ['h2', 'http/1.1'],
      requestCert: ca !== undefined,
      rejectUnauthorized: true,
    });
    server.on('secureConnection', (socket) => {
      socket.on('error', () => {}); // whoever reads it sees it closed
      socket.allowHalfOpen = true;
      if (server === this.#server) this.#expiry = Math.min(this.#expiry, expiryOfPeer(socket));
      const certificate = socket.getPeerX509Certificate();
      const isAllowed =
        allow().length === 0 || (certificate !== undefined && carriesOneOf(allow(), certificate));
      if (isAllowed) return this.#current.getStore()?.(socket);
      onFailure('not-allowed');
      socket.destroy();
    });
    // Told once of every handshake that fails; whose it was is known by the connection that closes.
    server.on('tlsClientError', (error, socket) => {
      onFailure(reasonOf(error, socket));
      socket.on('error', () => {}).destroy();
    });
    return server;
  }
}

/** The protocol that a client and we have agreed on: its own if it did not say. */
export function protocolAgreed({ alpnProtocol }: TLSSocket): Protocol {
  return alpnProtocol === 'h2' ? 'h2' : 'http/1.1';
}

function reasonOf(error: Error, socket: TLSSocket): HandshakeFailure {
  const { code = '' } = error as NodeJS.ErrnoException;
  if (code === 'ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE') return 'no-certificate';
  // Node closes the connection of a client that it does not trust, and tells of that only.
  if (socket.authorizationError) return 'untrusted';
  if (code === 'ERR_TLS_HANDSHAKE_TIMEOUT') return 'timeout';
  if (code === 'ECONNRESET' || code === 'EPIPE') return 'closed';
  return /_ALERT_/.test(code) ? 'rejected' : 'protocol';
}
