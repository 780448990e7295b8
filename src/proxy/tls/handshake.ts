/**
 * The reception: what comes between an accepted connection and the dial for it, where we speak TLS
 * ourselves. It is what makes the sides of a session fit together:
 *
 *                client ─────────── balancer ─────────── member
 *   terminate      TLS, h2 ──► terminator   originator ──► TLS, h2 (or plain)
 *   originate      plain: h2 preface ──► first-bytes   originator ──► TLS, h2
 *
 * Leaves to others the two kinds of TLS (downstream.ts, upstream.ts), and who waits how long for what
 * (data-path.ts).
 */
import { connect, type Socket } from 'node:net';
import type { MemberTls, TlsMaterial } from '../../certificates/certificates.ts';
import type { Member } from '../../members/member.ts';
import type { ConnectOptions } from '../dial/dial.ts';
import { DownstreamTls, type HandshakeFailure, protocolAgreed } from './downstream.ts';
import { nextProtocol, type Protocol } from './first-bytes.ts';
import { UpstreamTls } from './upstream.ts';

/** A client that was received: whom to serve in its place, and how its member is connected to. */
export interface AcceptedClient {
  readonly client: Socket;
  readonly connect: (options: ConnectOptions) => Socket;
}

export interface ClientHandshakesOptions {
  /** See `TerminatorOptions`; absent where clients come plainly. */
  readonly clients?: () => TlsMaterial;
  readonly allow: () => readonly string[];
  readonly members: () => MemberTls;
  /** Is there no TLS towards this member? */
  readonly isPlain: (member: Member) => boolean;
  readonly hostOf: (member: Member) => string;
  /** How long a client that comes plainly may take for its first bytes, ms. */
  readonly timeout: number;
  readonly onHandshakeFailure: (reason: HandshakeFailure) => void;
  /** Told of a client that came plainly and asked nothing, or spoke TLS. */
  readonly onNoRequest: () => void;
}

export class ClientHandshakes {
  readonly #options: Pick<ClientHandshakesOptions, 'isPlain' | 'timeout' | 'onNoRequest'>;
  readonly #terminator: DownstreamTls | undefined;
  readonly #originator: UpstreamTls;

  /** Throws when the PEM texts cannot be used together (they are validated before). */
  constructor(options: ClientHandshakesOptions) {
    const { clients, allow, members, hostOf, onHandshakeFailure } = options;
    this.#options = options;
    this.#originator = new UpstreamTls({ tls: members, hostOf });
    this.#terminator =
      clients && new DownstreamTls({ tls: clients, allow, onFailure: onHandshakeFailure });
  }

  /**
   * Receives an accepted, paused and unread connection. Resolves with `undefined` when there is nobody to
   * serve: no handshake, no request, or `signal` aborts. Never rejects.
   */
  async receive(accepted: Socket, signal: AbortSignal): Promise<AcceptedClient | undefined> {
    if (this.#terminator === undefined) {
      const protocol = await nextProtocol(accepted, this.#options.timeout, signal);
      if (protocol !== undefined && protocol !== 'tls') return this.#served(accepted, protocol);
      // Whoever speaks TLS here is at the wrong address; a connection to ourselves would do so for ever.
      if (!signal.aborted) this.#options.onNoRequest();
      return undefined;
    }
    const client = await this.#terminator.accept(accepted, signal);
    return client && this.#served(client, protocolAgreed(client));
  }

  #served(client: Socket, protocol: Protocol): AcceptedClient {
    return {
      client,
      connect: (options) =>
        this.#options.isPlain(options.member)
          ? connect(options)
          : this.#originator.connect(options, protocol),
    };
  }
}
