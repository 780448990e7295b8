/**
 * The HTTP server of the observe and the admin listener: Node's, within bounds. The cost of one visitor, and of all
 * together, is bounded: connections, time, one request at a time per connection, and one answer per turn of the event
 * loop (turns.ts). The relay never waits for more than that.
 *
 *   accept ──► gate ──► HTTP parser ──► bounds of a request ──► turns ──► handle
 *
 * When all connections are in use, a new one replaces the one that has been idle longest: idle visitors cannot
 * keep a probe out. Owns the bounds and the counts of refused visitors. observe/server/http.ts and admin/server.ts
 * decide where it listens and what it answers.
 */
import type { Server as HttpServer, IncomingMessage, ServerResponse } from 'node:http';
import net, { type AddressInfo, type Server, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { listen } from '../lib/net/listen.ts';
import { http } from '../lib/net/node-http.ts';
import { unusable } from '../systemd/inherited.ts';
import { Gate, type Pace } from './gate.ts';
import { Turns } from './turns.ts';

/** Why a visitor was refused. Used as a metric label. */
export const refusalReasons = ['connections', 'idle', 'slow', 'large', 'streams', 'host'] as const;
export type RefusalReason = (typeof refusalReasons)[number];

/**
 * Connections at a time, of each listener. Their descriptors are lost to traffic, so they are few, and
 * app/housekeeping/descriptors.ts reserves them. Streams may use half of them, so that a probe finds one.
 */
export const mostConnections = { observe: 64, admin: 32 };

export interface Bounds extends Pace {
  /** At a time. */
  readonly connections: number;
  /** On one connection, which closes after the last one. */
  readonly requests: number;
  /** Of a request's head, bytes. */
  readonly headBytes: number;
  /** Of a request's body, bytes. */
  readonly bodyBytes: number;
}

/** Where to listen: at an address, at a path, or on the descriptor of a listening socket. */
export type Place = { readonly host: string; readonly port: number } | UnixPlace;
export type UnixPlace = { readonly path: string } | { readonly fd: number };

/** A request whose turn has come. */
export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** When the request arrived, ms of `performance.now()`. */
  readonly arrivedAt: number;
  /** To be called when the answer is a stream, which has no time limit. */
  readonly isStream: () => void;
}

export interface BoundedServerOptions {
  readonly bounds: Bounds;
  /** Must not throw. */
  readonly handle: (exchange: Exchange) => void;
  /** Answers a request that is too large, in the format of this server. */
  readonly refuse: (response: ServerResponse, code: 411 | 413, why: string) => void;
  readonly onRefused: (reason: RefusalReason) => void;
}

export class BoundedServer {
  readonly #listener: Server;
  readonly #options: BoundedServerOptions;
  readonly #http: HttpServer;
  /** The ones that have been idle longest come first. */
  readonly #gates = new Set<Gate>();
  readonly #turns = new Turns();

  constructor(options: BoundedServerOptions) {
    this.#options = options;
    this.#listener = net.createServer({ noDelay: true }, (socket) => this.#accept(socket));
    this.#listener.on('error', () => {}); // an error of accept must not end the balancer
    this.#http = http.createServer({ maxHeaderSize: options.bounds.headBytes });
    const serve = (request: IncomingMessage, response: ServerResponse): void =>
      this.#serve(request, response);
    this.#http.on('request', serve);
    this.#http.on('checkExpectation', serve); // Node would answer it past the gate
    this.#http.on('clientError', (error, socket) => this.#fail(error, socket));
  }

  /** Connections at this moment. */
  get connections(): number {
    return this.#gates.size;
  }

  /**
   * Listens. Only this user may open the file of a Unix socket. Resolves with the port, `undefined` for a Unix socket.
   * Rejects with `ConfigError` for an inherited socket that cannot be used, else with what `explain` makes of the error.
   */
  async listen(
    place: Place,
    explain: (error: NodeJS.ErrnoException) => Error,
  ): Promise<number | undefined> {
    await listen(this.#listener, place, (error) =>
      'fd' in place ? unusable(place.fd, error) : explain(error),
    );
    return (this.#listener.address() as Partial<AddressInfo> | null)?.port;
  }

  /** Closes the listener, every connection, and the requests in progress. */
  close(): void {
    this.#listener.close();
    this.#turns.stop();
    for (const gate of this.#gates) gate.destroy();
  }

  #accept(socket: Socket): void {
    const { bounds, onRefused } = this.#options;
    if (this.#gates.size >= bounds.connections && !this.#makeRoom()) {
      onRefused('connections');
      socket.destroy();
      return;
    }
    const gate = new Gate(socket, bounds, () => onRefused('slow'));
    this.#gates.add(gate);
    gate.once('close', () => this.#gates.delete(gate));
    this.#http.emit('connection', gate);
  }

  /** Closes the connection that has been idle for longest, if there is one. */
  #makeRoom(): boolean {
    for (const gate of this.#gates) {
      if (!gate.isIdle) continue;
      this.#options.onRefused('idle');
      this.#gates.delete(gate);
      gate.destroy();
      return true;
    }
    return false;
  }

  #serve(request: IncomingMessage, response: ServerResponse): void {
    const { bounds, handle, refuse, onRefused } = this.#options;
    const gate: Duplex = request.socket;
    if (!(gate instanceof Gate)) return;
    const arrivedAt = performance.now();
    const body = bodyOf(request);
    const fits = body !== undefined && body <= bounds.bodyBytes;
    gate.begin(fits ? body : 0);
    if (!fits || gate.requests >= bounds.requests) response.shouldKeepAlive = false;
    response.once('finish', () => {
      if (this.#gates.delete(gate)) this.#gates.add(gate);
      gate.next();
    });
    this.#turns.take(() => {
      if (response.closed) return; // its visitor is gone
      if (fits) {
        handle({ request, response, arrivedAt, isStream: () => gate.lift() });
        return;
      }
      onRefused('large');
      if (body === undefined) refuse(response, 411, 'a body needs a content-length');
      else refuse(response, 413, `a body may have ${bounds.bodyBytes} bytes`);
    });
  }

  /** The request is not HTTP, or its head is too large. */
  #fail(error: NodeJS.ErrnoException, socket: Duplex): void {
    const isLarge = error.code === 'HPE_HEADER_OVERFLOW';
    if (isLarge) this.#options.onRefused('large');
    const status = isLarge ? '431 Request Header Fields Too Large' : '400 Bad Request';
    if (socket.writable) socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\n\r\n`);
    else socket.destroy();
  }
}

/** The declared length of a request's body, bytes; `undefined` where none is declared. */
function bodyOf({ headers }: IncomingMessage): number | undefined {
  if (headers['transfer-encoding'] !== undefined) return undefined;
  return Number(headers['content-length'] ?? 0);
}
