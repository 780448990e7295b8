/**
 * A member that is not etcd: its checks pass, and it says back whatever it is told. For tests of the
 * program around the relay, where a cluster would only take time.
 */
import { once } from 'node:events';
import http from 'node:http';
import net, { type AddressInfo, type Server, type Socket } from 'node:net';

export class EchoMember implements AsyncDisposable {
  readonly name = 'm0';
  readonly #sockets = new Set<Socket>();
  readonly #echo = net.createServer({ allowHalfOpen: true }, (socket) => {
    this.#sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => this.#sockets.delete(socket));
    socket.pipe(socket);
  });
  /** Apart from the other, as etcd's `--listen-metrics-urls` is. */
  readonly #health = http.createServer((_, response) => response.end('ok'));

  /** On free ports, or on those that `flags` has named before. */
  static async start(ports: Ports = { client: 0, health: 0 }): Promise<EchoMember> {
    const member = new EchoMember();
    member.#health.listen(ports.health, '127.0.0.1');
    member.#echo.listen(ports.client, '127.0.0.1');
    await Promise.all([once(member.#echo, 'listening'), once(member.#health, 'listening')]);
    return member;
  }

  /** What a balancer in front of it is told. */
  get flags(): string[] {
    return flagsOf({ client: portOf(this.#echo), health: portOf(this.#health) });
  }

  /** Leaves what those that are connected ask unanswered, until `resume`. */
  pause(): void {
    for (const socket of this.#sockets) socket.pause();
  }

  resume(): void {
    for (const socket of this.#sockets) socket.resume();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#health.closeAllConnections();
    for (const server of [this.#echo, this.#health]) {
      server.close();
      await once(server, 'close');
    }
  }
}

/** Of a length that tells it from an acknowledgement. */
export const question =
  'What is the revision of the key that you have seen last, and of the cluster?';

export interface Ports {
  readonly client: number;
  readonly health: number;
}

/** What a balancer is told about a member that may not exist yet. */
export function flagsOf({ client, health }: Ports): string[] {
  const endpoint = `m0=http://127.0.0.1:${client}`;
  return ['--endpoints', endpoint, '--check-url', `http://{host}:${health}`];
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}
