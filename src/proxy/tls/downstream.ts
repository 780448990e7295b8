/**
 * Downstream TLS: with clients, as their server.
 *
 *   accepted ──► handshake ──► certificate of an authority ──► name on the list ──► plain bytes
 *                   └───────────────┴──────────────────────────────┴──► closed, and counted by reason
 *
 * Owns a TLS server that does not listen: it is given the connections that listeners have accepted. Node's
 * server brings the bound on a handshake, session tickets and their keys. It is replaced when its
 * certificates are, and when a client certificate that it accepted expires. data-path.ts keeps the waiting
 * clients.
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
  'no-certificate', // the client showed none, but must
  'untrusted', // no authority of --client-ca has signed its certificate, or it has expired
  'not-allowed', // its certificate has no name of --allow-client
  'rejected', // the client did not accept our certificate
  'protocol', // it sent no TLS, or a version that we do not speak
  'timeout',
  'closed', // it left during the handshake
] as const;
export type HandshakeFailure = (typeof handshakeFailures)[number];

export interface DownstreamTlsOptions {
  /**
   * Our certificate and key; clients need a certificate if there is a `ca`. Called before each handshake.
   * Returns the same object until the certificates are reloaded.
   */
  readonly tls: () => TlsMaterial;
  /** A client's certificate must carry one of these names; empty for any. */
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
  /** When the first client certificate expires for which `#server` has issued session tickets. */
  #expiry = Number.POSITIVE_INFINITY;
  /** Finds the client of a finished handshake: the server only passes the socket that it made. */
  readonly #current = new AsyncLocalStorage<Settle>();

  /** Throws when the PEM texts cannot be used together (they are validated before). */
  constructor(options: DownstreamTlsOptions) {
    this.#options = options;
    this.#tls = options.tls();
    this.#server = this.#createServer();
  }

  /**
   * Takes an accepted, paused and unread connection through the handshake. Resolves with the TLS connection,
   * also paused and unread. If the handshake fails or `signal` aborts, closes the connection and resolves
   * with `undefined`. Never rejects.
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
    // A client that ends its side during the handshake is gone. Half-close matters only afterwards.
    client.allowHalfOpen = false;
    client.once('close', onClose);
    signal.addEventListener('abort', onAbort);
    if (client.destroyed) settle();
    else this.#current.run(settle, () => this.#server.emit('connection', client));
    return promise;
  }

  /**
   * Makes a new server when certificates have changed or expired. (A server cannot change whether it asks for
   * certificates.) The new one has new ticket keys: a resumed handshake verifies nothing, so a client must not
   * resume a session that another authority admitted, or that is refused by now. Handshakes under way finish
   * on the old server.
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
      socket.on('error', () => {}); // its reader sees it closed
      socket.allowHalfOpen = true;
      if (server === this.#server) this.#expiry = Math.min(this.#expiry, expiryOfPeer(socket));
      const certificate = socket.getPeerX509Certificate();
      const isAllowed =
        allow().length === 0 || (certificate !== undefined && carriesOneOf(allow(), certificate));
      if (isAllowed) return this.#current.getStore()?.(socket);
      onFailure('not-allowed');
      socket.destroy();
    });
    // Emitted once per failed handshake. The closing of the connection settles its promise.
    server.on('tlsClientError', (error, socket) => {
      onFailure(reasonOf(error, socket));
      socket.on('error', () => {}).destroy();
    });
    return server;
  }
}

/** The protocol agreed with a client; HTTP/1.1 if the client offered none. */
export function protocolAgreed({ alpnProtocol }: TLSSocket): Protocol {
  return alpnProtocol === 'h2' ? 'h2' : 'http/1.1';
}

function reasonOf(error: Error, socket: TLSSocket): HandshakeFailure {
  const { code = '' } = error as NodeJS.ErrnoException;
  if (code === 'ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE') return 'no-certificate';
  // Node closes the connection of an untrusted client and reports only that.
  if (socket.authorizationError) return 'untrusted';
  if (code === 'ERR_TLS_HANDSHAKE_TIMEOUT') return 'timeout';
  if (code === 'ECONNRESET' || code === 'EPIPE') return 'closed';
  return /_ALERT_/.test(code) ? 'rejected' : 'protocol';
}
