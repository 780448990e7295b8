/**
 * The heartbeat of the leader: a question that needs neither disk nor raft, asked over one connection that
 * stays open. `GET /version` is answered from memory by every etcd that runs, so a slow disk, a snapshot or
 * a defragmentation does not delay it, and a process that is stopped, or a host that is cut off, does not
 * answer it.
 *
 * The same connection tells of a death: the kernel closes it in the moment in which the process ends. It is
 * ours, so no client can have it cut.
 *
 * Owns the connection. Any byte that comes back is an answer: what it says does not matter, as a listener
 * for metrics alone says 404.
 */
import { connect as connectTcp, isIP, type LookupFunction, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { MemberTls } from '../certificates/certificates.ts';

export interface HeartbeatOptions {
  /** Scheme, host and port of what is asked, such as `https://10.0.0.1:2379`; no path. */
  readonly url: string;
  readonly lookup: LookupFunction;
  /** For https, asked before each connection: the same object until it is renewed. */
  readonly tls: () => MemberTls;
  /** Is the other end of this socket the balancer itself? */
  readonly isSelf: (socket: Socket, port: number) => boolean;
  /** Told of an answer: when it was asked for (ms of `performance.now()`), and how long it took, ms. */
  readonly onAnswer: (askedAt: number, duration: number) => void;
  /** Told when the member refuses a connection, or cuts one that has worked. */
  readonly onCut: () => void;
}

interface Connection {
  readonly socket: Socket;
  /** What it was made with. */
  readonly tls: MemberTls;
  isOpen: boolean;
  /** When the question was sent that is on its way, ms of `performance.now()`; undefined for none. */
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

  /** When the first question was due that has no answer yet; undefined for none. ms of `performance.now()`. */
  get waitingSince(): number | undefined {
    return this.#waitingSince;
  }

  /** Asks, unless a question is on its way. Connects first where that is needed. */
  ask(now: number): void {
    this.#waitingSince ??= now;
    if (this.#connection?.sentAt !== undefined) return;
    const tls = this.#options.tls();
    if (tls !== this.#connection?.tls) this.#disconnect();
    if (this.#connection === undefined) this.#connect(tls);
    else if (this.#connection.isOpen) this.#send(this.#connection);
  }

  /** Closes the connection. Nothing is told of it. */
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
    // An address is no server name (RFC 6066 section 3); it is verified as the host.
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
