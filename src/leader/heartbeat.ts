/**
 * The heartbeat of the leader: a request that needs neither disk nor raft, sent over one connection that stays
 * open. Every running etcd answers `GET /version` from memory, so a slow disk, a snapshot or a defragmentation
 * does not delay the answer. A stopped process, or a host that is cut off, does not answer.
 *
 * The same connection shows the death of the process: the kernel closes it in that moment. No client uses it,
 * so no client can cause a cut.
 *
 * Owns the connection. Any byte that comes back is an answer. Its content does not matter: a listener for
 * metrics only answers 404.
 */
import { connect as connectTcp, isIP, type LookupFunction, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { MemberTls } from '../certificates/certificates.ts';

export interface HeartbeatOptions {
  /** Scheme, host and port, such as `https://10.0.0.1:2379`; no path. */
  readonly url: string;
  readonly lookup: LookupFunction;
  /** For https. Called before each connection; the same object until certificates are reloaded. */
  readonly tls: () => MemberTls;
  /** Is the other end of this socket the balancer itself? */
  readonly isSelf: (socket: Socket, port: number) => boolean;
  /** Called for an answer: when it was due (ms of `performance.now()`), and how long it took, ms. */
  readonly onAnswer: (askedAt: number, duration: number) => void;
  /** Called when the member refuses a connection, or cuts one that has worked. */
  readonly onCut: () => void;
}

interface Connection {
  readonly socket: Socket;
  /** The certificates in use. */
  readonly tls: MemberTls;
  isOpen: boolean;
  /** When the open request was sent, ms of `performance.now()`; undefined for none. */
  sentAt: number | undefined;
}

export class Heartbeat {
  readonly #options: HeartbeatOptions;
  readonly #url: URL;
  readonly #port: number;
  #connection: Connection | undefined;
  #waitingSince: number | undefined;

  constructor(options: HeartbeatOptions) {
    this.#options = options;
    this.#url = new URL(options.url);
    this.#port = Number(this.#url.port || (this.#url.protocol === 'https:' ? 443 : 80));
  }

  /** When the first unanswered request was due, ms of `performance.now()`; undefined for none. */
  get waitingSince(): number | undefined {
    return this.#waitingSince;
  }

  /** Sends a request, unless one is open. Connects first if needed. */
  ask(now: number): void {
    this.#waitingSince ??= now;
    if (this.#connection?.sentAt !== undefined) return;
    const tls = this.#options.tls();
    if (tls !== this.#connection?.tls) this.#disconnect();
    if (this.#connection === undefined) this.#connect(tls);
    else if (this.#connection.isOpen) this.#send(this.#connection);
  }

  /** Closes the connection without calling `onCut`. */
  close(): void {
    this.#waitingSince = undefined;
    this.#disconnect();
  }

  #send(connection: Connection): void {
    connection.sentAt = performance.now();
    connection.socket.write(`GET /version HTTP/1.1\r\nHost: ${this.#url.host}\r\n\r\n`);
  }

  #disconnect(): void {
    this.#connection?.socket.destroy();
    this.#connection = undefined;
  }

  #connect(tls: MemberTls): void {
    const isSecure = this.#url.protocol === 'https:';
    const socket = this.#dial(tls);
    const connection: Connection = { socket, tls, isOpen: false, sentAt: undefined };
    this.#connection = connection;
    let isRefused = false;
    socket.on(isSecure ? 'secureConnect' : 'connect', () => {
      if (this.#options.isSelf(socket, this.#port)) return void socket.destroy();
      connection.isOpen = true;
      if (this.#waitingSince !== undefined) this.#send(connection);
    });
    socket.on('data', () => this.#answered(connection));
    socket.on('error', (error: NodeJS.ErrnoException) => {
      isRefused = error.code === 'ECONNREFUSED';
    });
    socket.on('close', () => {
      if (connection !== this.#connection) return;
      this.#connection = undefined;
      if (connection.isOpen || isRefused) this.#options.onCut();
    });
    socket.unref();
  }

  #dial(tls: MemberTls): Socket {
    const host = this.#url.hostname.replace(/^\[|\]$/g, '');
    const place = { host, port: this.#port, lookup: this.#options.lookup, noDelay: true };
    if (this.#url.protocol === 'http:') return connectTcp(place);
    // An address is not a server name (RFC 6066 section 3); the certificate is verified by the host.
    const isNamed = isIP(host) === 0 && tls.servername === undefined;
    const servername = isNamed && { servername: host };
    return connectTls({ ...place, ...tls, minVersion: 'TLSv1.2', ...servername });
  }

  #answered(connection: Connection): void {
    const askedAt = this.#waitingSince;
    const { sentAt } = connection;
    if (askedAt === undefined || sentAt === undefined) return; // the rest of an answer
    this.#waitingSince = undefined;
    connection.sentAt = undefined;
    this.#options.onAnswer(askedAt, performance.now() - sentAt);
  }
}
