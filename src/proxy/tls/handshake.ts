/**
 * Client handshakes: the step between accepting a connection and dialling for it, where we speak TLS
 * ourselves. They make both sides of a session speak the same protocol:
 *
 *                client ──────────────── balancer ─────────────── member
 *   terminate      TLS, h2 ──► downstream TLS   upstream TLS ──► TLS, h2 (or plain)
 *   originate      plain: h2 preface ──► first bytes   upstream TLS ──► TLS, h2
 *
 * downstream.ts and upstream.ts implement the two kinds of TLS.
 */
import { connect, type Socket } from 'node:net';
import type { MemberTls, TlsMaterial } from '../../certificates/certificates.ts';
import type { LiveSettings } from '../../config/live-settings.ts';
import type { Settings } from '../../config/settings.ts';
import type { ConnectOptions } from '../dial/dial.ts';
import { DownstreamTls, type HandshakeFailure, protocolAgreed } from './downstream.ts';
import { nextProtocol, type Protocol } from './first-bytes.ts';
import { UpstreamTls } from './upstream.ts';

/** A client after its handshake: the socket to serve, and how to connect to a member for it. */
export interface AcceptedClient {
  readonly client: Socket;
  readonly connect: (options: ConnectOptions) => Socket;
}

export interface ClientHandshakesOptions {
  /** A client without TLS has the dial timeout to send its first bytes. */
  readonly settings: LiveSettings<Pick<Settings, 'allowClient' | 'dialTimeout'>>;
  /** See `DownstreamTlsOptions`. Absent if clients speak no TLS. */
  readonly clients?: () => TlsMaterial;
  readonly members: () => MemberTls;
  readonly onHandshakeFailure: (reason: HandshakeFailure) => void;
  /** Called for a client that should speak no TLS and either sent no request or spoke TLS. */
  readonly onNoRequest: () => void;
}

export class ClientHandshakes {
  readonly #options: Pick<ClientHandshakesOptions, 'settings' | 'onNoRequest'>;
  readonly #downstream: DownstreamTls | undefined;
  readonly #upstream: UpstreamTls;

  /** Throws when the PEM texts cannot be used together (they are validated before). */
  constructor(options: ClientHandshakesOptions) {
    const { settings, clients, members, onHandshakeFailure: onFailure } = options;
    const allow = (): readonly string[] => settings.current.allowClient;
    this.#options = options;
    this.#upstream = new UpstreamTls(members);
    this.#downstream = clients && new DownstreamTls({ tls: clients, allow, onFailure });
  }

  /**
   * Prepares an accepted, paused and unread connection. Resolves with `undefined` if the handshake fails, no
   * request comes, or `signal` aborts. Never rejects.
   */
  async receive(accepted: Socket, signal: AbortSignal): Promise<AcceptedClient | undefined> {
    const { settings, onNoRequest } = this.#options;
    if (this.#downstream === undefined) {
      const protocol = await nextProtocol(accepted, settings.current.dialTimeout, signal);
      if (protocol !== undefined && protocol !== 'tls') return this.#served(accepted, protocol);
      // A client that speaks TLS here has the wrong address. A connection to ourselves would do so for ever.
      if (!signal.aborted) onNoRequest();
      return undefined;
    }
    const client = await this.#downstream.accept(accepted, signal);
    return client && this.#served(client, protocolAgreed(client));
  }

  #served(client: Socket, protocol: Protocol): AcceptedClient {
    return {
      client,
      connect: (options) =>
        options.member.isPlain ? connect(options) : this.#upstream.connect(options, protocol),
    };
  }
}
