/**
 * A relay in front of a member, at an address of its own, through which answers take longer, so that many a
 * call is under way at any moment. It sees what no client can tell for sure: whether a connection was
 * closed with an answer still on its way.
 */
import { once } from 'node:events';
import net, { type AddressInfo, type Socket } from 'node:net';

/** How much later answers come, ms. */
const slowness = 60;

export class SlowRelay implements AsyncDisposable {
  readonly port: number;
  /** HTTP/2 connections that were closed from the near side while an answer was on its way there. */
  cut = 0;
  readonly #server: net.Server;
  readonly #sockets = new Set<Socket>();

  /** @param place where it listens; port 0 for a free one. */
  static async start(
    memberPort: number,
    place: { readonly host: string; readonly port: number },
  ): Promise<SlowRelay> {
    const server = net.createServer({ allowHalfOpen: true });
    server.listen(place.port, place.host);
    await once(server, 'listening');
    return new SlowRelay(server, memberPort);
  }

  private constructor(server: net.Server, memberPort: number) {
    this.#server = server;
    this.port = (server.address() as AddressInfo).port;
    server.on('connection', (near) => this.#join(near, memberPort));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #join(near: Socket, memberPort: number): void {
    const far = net.connect({ port: memberPort, host: '127.0.0.1', allowHalfOpen: true });
    let onTheirWay = 0;
    let memberEnded = false;
    let isHttp2 = false;
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      this.#sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        this.#sockets.delete(socket);
        other.destroy();
      });
    }
    far.on('close', () => {
      memberEnded = true;
    });
    near.once('data', (chunk) => {
      isHttp2 = chunk.toString('latin1').startsWith('PRI * HTTP/2'); // health checks are not
    });
    near.on('data', (chunk) => far.write(chunk));
    near.on('end', () => {
      if (isHttp2 && onTheirWay > 0 && !memberEnded) this.cut += 1;
      far.end();
    });
    far.on('data', (chunk) => {
      onTheirWay += 1;
      setTimeout(() => {
        onTheirWay -= 1;
        near.write(chunk);
      }, slowness);
    });
    far.on('end', () => setTimeout(() => near.end(), slowness));
  }
}
