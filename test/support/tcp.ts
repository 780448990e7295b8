/** Real TCP peers for tests of the relay, in a line each. */
import { once } from 'node:events';
import net, { type Socket } from 'node:net';
import { ByteCounts, plainBytes } from '../../src/proxy/relay/byte-counts.ts';
import type { Copier, Follower } from '../../src/proxy/relay/copier.ts';
import { Relay, type RelayEnd } from '../../src/proxy/relay/relay.ts';
import type { connectToSharedBuffer } from '../../src/proxy/relay/shared-buffer.ts';

/** A connected pair over loopback: `near` was connected, `far` accepted, paused and unread. */
export interface Pair {
  readonly near: Socket;
  readonly far: Socket;
}

/** Makes connected pairs over one listener. */
export class Pairs implements AsyncDisposable {
  readonly #server = net.createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true });
  readonly #sockets = new Set<Socket>();

  /** @param path of a Unix socket to connect over; without it, loopback. */
  static async open(path?: string): Promise<Pairs> {
    const pairs = new Pairs();
    pairs.#server.listen(path === undefined ? { port: 0, host: '127.0.0.1' } : { path });
    await once(pairs.#server, 'listening');
    return pairs;
  }

  /** One at a time: the next accepted connection is taken for the one just made by `connect`. */
  async connect(connect: typeof connectToSharedBuffer = net.connect): Promise<Pair> {
    const address = this.#server.address() as net.AddressInfo | string;
    const accepted = once(this.#server, 'connection');
    const near =
      typeof address === 'string'
        ? net.connect({ path: address, allowHalfOpen: true })
        : connect({
            ...{ port: address.port, host: '127.0.0.1' },
            ...{ allowHalfOpen: true, noDelay: true },
          });
    near.pause();
    const [[far]] = (await Promise.all([accepted, once(near, 'connect')])) as [[Socket], unknown];
    for (const socket of [near, far]) {
      this.#sockets.add(socket);
      socket.on('error', () => {});
    }
    return { near, far };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
  }
}

/** A client and a member with a relay between them. */
export interface Relayed {
  readonly client: Socket;
  readonly member: Socket;
  readonly relay: Relay;
  readonly counts: ByteCounts;
  readonly ended: Promise<RelayEnd>;
}

/**
 * Joins two fresh pairs: client.near ── relay ── member.near; with `connect` the relay has the end
 * that this made, and we the other.
 *
 * @param clients where the client's pair comes from, if not from `pairs`.
 */
export async function relayed(
  pairs: Pairs,
  copy: Copier,
  connect?: typeof connectToSharedBuffer,
  follower?: Follower,
  clients = pairs,
): Promise<Relayed> {
  const client = await clients.connect();
  const pair = await pairs.connect(connect);
  const member = connect ? { near: pair.far, far: pair.near } : pair;
  const counts = new ByteCounts(plainBytes, () => {});
  const ended = Promise.withResolvers<RelayEnd>();
  const ends = { client: client.far, member: member.far };
  const relay = new Relay(ends, copy, counts, ended.resolve, follower);
  return { client: client.near, member: member.near, relay, counts, ended: ended.promise };
}
