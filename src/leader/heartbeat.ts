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

export class Heartbeat {
  readonly #options: HeartbeatOptions;
  readonly #host: string;
  readonly #port: number;
  readonly #question: string;
  #socket: Socket | undefined;
  #tls: MemberTls | undefined;
  #isConnected = false;
  /** When the first question was due that has no answer yet. */
  #waitingSince: number | undefined;
  /** When the question was sent that is on its way; undefined for none. */
  #sentAt: number | undefined;

  constructor(options: HeartbeatOptions) {
    const { protocol, hostname, port, host } = new URL(options.url);
    this.#options = options;
    this.#host = hostname.replace(/^\[|\]$/g, '');
    this.#port = Number(port || (protocol === 'https:' ? 443 : 80));
    this.#question = `GET /version HTTP/1.1\r\nHost: ${host}\r\n\r\n`;
  }

  /** When a question was asked that has had no answer; undefined for none. ms of `performance.now()`. */
  get waitingSince(): number | undefined {
    return this.#waitingSince;
  }

  /** Asks, unless a question is on its way. Connects first where that is needed. */
  ask(now: number): void {
    this.#waitingSince ??= now;
    if (this.#sentAt !== undefined) return;
    const tls = this.#options.tls();
    if (tls !== this.#tls) this.#disconnect();
    this.#tls = tls;
    if (this.#socket === undefined) this.#socket = this.#connect(tls);
    else if (this.#isConnected) this.#send(this.#socket);
  }

  /** Closes the connection. Nothing is told of it. */
  close(): void {
    this.#waitingSince = undefined;
    this.#disconnect();
  }

  #send(socket: Socket): void {
    this.#sentAt = performance.now();
    socket.write(this.#question);
  }

  #disconnect(): void {
    const socket = this.#socket;
    this.#socket = undefined;
    this.#isConnected = false;
    this.#sentAt = undefined;
    socket?.destroy();
  }

  #connect(tls: MemberTls): Socket {
    const host = this.#host;
    const place = { host, port: this.#port, lookup: this.#options.lookup, noDelay: true };
    const isSecure = this.#options.url.startsWith('https:');
    const socket = isSecure
      ? connectTls({
          ...place,
          ...tls,
          minVersion: 'TLSv1.2',
          // An address is no server name (RFC 6066 section 3); it is verified as the host.
          ...(isIP(host) === 0 && tls.servername === undefined && { servername: host }),
        })
      : connectTcp(place);
    socket.on(isSecure ? 'secureConnect' : 'connect', () => {
      if (this.#options.isSelf(socket, this.#port)) return void socket.destroy();
      this.#isConnected = true;
      if (this.#waitingSince !== undefined) this.#send(socket);
    });
    socket.on('data', () => this.#answered());
    let isRefused = false;
    socket.on('error', (error: NodeJS.ErrnoException) => {
      isRefused = error.code === 'ECONNREFUSED';
    });
    socket.on('close', () => {
      if (socket !== this.#socket) return;
      const wasConnected = this.#isConnected;
      this.#disconnect();
      if (wasConnected || isRefused) this.#options.onCut();
    });
    socket.unref();
    return socket;
  }

  #answered(): void {
    const askedAt = this.#waitingSince;
    const sentAt = this.#sentAt;
    if (askedAt === undefined || sentAt === undefined) return; // the rest of an answer
    this.#waitingSince = undefined;
    this.#sentAt = undefined;
    this.#options.onAnswer(askedAt, performance.now() - sentAt);
  }
}
