/**
 * A relay in front of one member that makes it slow: every chunk is passed on later, in order, and
 * some wait for as long as TCP takes to send a lost packet again. The kernel's own netem is not in
 * every kernel; what this cannot show is a connection that shrinks its window at each loss.
 */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** Linux's shortest retransmission timeout, ms (TCP_RTO_MIN). */
const retransmission = 200;

export class SlowRelay implements AsyncDisposable {
  /** ms that are added to each way. */
  delay = 0;
  /** The share of chunks that are lost once and sent again, 0 to 1. */
  loss = 0;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  static async start(host: string, port: number): Promise<SlowRelay> {
    const relay = new SlowRelay(host, port);
    relay.#server.listen(0, '127.0.0.1');
    await once(relay.#server, 'listening');
    return relay;
  }

  private constructor(host: string, port: number) {
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
      const member = connect({ host, port, allowHalfOpen: true, noDelay: true });
      this.#pass(client, member);
      this.#pass(member, client);
    });
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
  }

  #pass(from: Socket, to: Socket): void {
    this.#sockets.add(from);
    // Each after the one before it, as TCP delivers: only the head of the queue waits for a timer.
    const queue: { readonly due: number; readonly act: () => void }[] = [];
    const next = (): void => {
      const head = queue[0];
      if (head === undefined) return;
      setTimeout(
        () => {
          queue.shift();
          head.act();
          next();
        },
        Math.max(0, head.due - performance.now()),
      );
    };
    const later = (act: () => void): void => {
      const lost = Math.random() < this.loss ? retransmission : 0;
      if (queue.length === 0 && this.delay + lost === 0) {
        act();
        return;
      }
      queue.push({ due: performance.now() + this.delay + lost, act });
      if (queue.length === 1) next();
    };
    from.on('data', (chunk) => later(() => to.write(chunk)));
    from.on('end', () => later(() => to.end()));
    from.on('error', () => {});
    from.on('close', () => {
      this.#sockets.delete(from);
      to.destroy();
    });
  }
}
