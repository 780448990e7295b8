/**
 * Client handshakes: what comes between an accepted connection and the dial for it, where we speak TLS
 * ourselves. They make the sides of a session fit together:
 *
 *                client ──────────────── balancer ─────────────── member
 *   terminate      TLS, h2 ──► downstream TLS   upstream TLS ──► TLS, h2 (or plain)
 *   originate      plain: h2 preface ──► first bytes   upstream TLS ──► TLS, h2
 *
 * Leaves to others the two kinds of TLS (downstream.ts, upstream.ts), and who waits how long for what
 * (data-path.ts).
 */
import { connect, type Socket } from 'node:net';
import type { MemberTls, TlsMaterial } from '../../certificates/certificates.ts';
import type { LiveSettings } from '../../config/live-settings.ts';
import type { Settings } from '../../config/settings.ts';
import type { ConnectOptions } from '../dial/dial.ts';
import { DownstreamTls, type HandshakeFailure, protocolAgreed } from './downstream.ts';
import { nextProtocol, type Protocol } from './first-bytes.ts';
import { UpstreamTls } from './upstream.ts';

/** A client whose handshake is over: whom to serve in its place, and how its member is connected to. */
export interface AcceptedClient {
  readonly client: Socket;
  readonly connect: (options: ConnectOptions) => Socket;
}

export interface ClientHandshakesOptions {
  /** A client that comes plainly may take the dial timeout for its first bytes. */
  readonly settings: LiveSettings<Pick<Settings, 'allowClient' | 'dialTimeout'>>;
  /** See `DownstreamTlsOptions`; absent where clients come plainly. */
  readonly clients?: () => TlsMaterial;
  readonly members: () => MemberTls;
  readonly onHandshakeFailure: (reason: HandshakeFailure) => void;
  /** Told of a client that came plainly and asked nothing, or spoke TLS. */
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
   * Takes in an accepted, paused and unread connection. Resolves with `undefined` when there is nobody to
   * serve: no handshake, no request, or `signal` aborts. Never rejects.
   */
  async receive(accepted: Socket, signal: AbortSignal): Promise<AcceptedClient | undefined> {
    const { settings, onNoRequest } = this.#options;
    if (this.#downstream === undefined) {
      const protocol = await nextProtocol(accepted, settings.current.dialTimeout, signal);
      if (protocol !== undefined && protocol !== 'tls') return this.#served(accepted, protocol);
      // Whoever speaks TLS here is at the wrong address; a connection to ourselves would do so for ever.
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
