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
import type { Candidate } from '../../balancing/snapshot.ts';
import type { MemberTls, TlsMaterial } from '../../certificates/certificates.ts';
import type { ConnectOptions } from '../dial/dial.ts';
import { type HandshakeFailure, protocolAgreed, Terminator } from './downstream.ts';
import { nextProtocol, type Protocol } from './first-bytes.ts';
import { Originator } from './upstream.ts';

/** A client that was received: whom to serve in its place, and how its member is connected to. */
export interface Received {
  readonly client: Socket;
  readonly connect: (options: ConnectOptions) => Socket;
}

export interface ReceptionOptions {
  /** See `TerminatorOptions`; absent where clients come plainly. */
  readonly clients?: () => TlsMaterial;
  readonly allow: () => readonly string[];
  readonly members: () => MemberTls;
  /** Is there no TLS towards this member? */
  readonly isPlain: (candidate: Candidate) => boolean;
  readonly hostOf: (candidate: Candidate) => string;
  /** How long a client that comes plainly may take for its first bytes, ms. */
  readonly timeout: number;
  readonly onHandshakeFailure: (reason: HandshakeFailure) => void;
  /** Told of a client that came plainly and asked nothing, or spoke TLS. */
  readonly onNoRequest: () => void;
}

export class Reception {
  readonly #options: Pick<ReceptionOptions, 'isPlain' | 'timeout' | 'onNoRequest'>;
  readonly #terminator: Terminator | undefined;
  readonly #originator: Originator;

  /** Throws when the PEM texts cannot be used together (they are validated before). */
  constructor(options: ReceptionOptions) {
    const { clients, allow, members, hostOf, onHandshakeFailure } = options;
    this.#options = options;
    this.#originator = new Originator({ tls: members, hostOf });
    this.#terminator =
      clients && new Terminator({ tls: clients, allow, onFailure: onHandshakeFailure });
  }

  /**
   * Receives an accepted, paused and unread connection. Resolves with `undefined` when there is nobody to
   * serve: no handshake, no request, or `signal` aborts. Never rejects.
   */
  async receive(accepted: Socket, signal: AbortSignal): Promise<Received | undefined> {
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

  #served(client: Socket, protocol: Protocol): Received {
    return {
      client,
      connect: (options) =>
        this.#options.isPlain(options.candidate)
          ? connect(options)
          : this.#originator.connect(options, protocol),
    };
  }
}
