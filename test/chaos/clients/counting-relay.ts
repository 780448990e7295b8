/** For the proof of what clients record: what they say passes here, to be counted and cut. */
import { once } from 'node:events';
import net, { type Server, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { now } from './record.ts';

interface Crossing {
  readonly port: number;
  readonly client: Socket;
}

/** Passes bytes on to a port of this machine, counts them, and can cut every connection. */
export class CountingRelay implements AsyncDisposable {
  readonly crossings: Crossing[] = [];
  /** When it was cut last, ms since 1970. */
  cutAt = 0;
  readonly #target: number;
  readonly #sockets = new Set<Socket>();
  readonly #server: Server;
  #isCut = false;

  static async start(target: number, place: net.ListenOptions): Promise<CountingRelay> {
    const relay = new CountingRelay(target);
    relay.#server.listen(place);
    await once(relay.#server, 'listening');
    return relay;
  }

  private constructor(target: number) {
    this.#target = target;
    this.#server = net.createServer({ allowHalfOpen: true }, (client) => {
      this.crossings.push({ client, port: client.remotePort ?? 0 });
      if (this.#isCut) {
        client.destroy();
        return;
      }
      const host = '127.0.0.1';
      const member = net.connect({ host, port: this.#target, allowHalfOpen: true });
      for (const [one, other] of [
        [client, member],
        [member, client],
      ] as const) {
        this.#sockets.add(one);
        one.on('error', () => other.destroy());
        one.pipe(other);
      }
    });
  }

  get port(): number {
    return (this.#server.address() as net.AddressInfo).port;
  }

  /** Cuts all, and whoever comes within so many ms. */
  async cut(ms: number): Promise<void> {
    this.#isCut = true;
    this.cutAt = now();
    this.#destroyAll();
    await delay(ms);
    this.#isCut = false;
  }

  #destroyAll(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#sockets.clear();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#destroyAll();
    this.#server.close();
    await once(this.#server, 'close');
  }
}
