/**
 * The data path in front of real members, in this process, that asks one client after another to take its
 * calls elsewhere: what drains and rebalancing do now and then, many times a second.
 */

import { once } from 'node:events';
import net, { type AddressInfo, type Server } from 'node:net';
import { createPolicy } from '../../src/balancing/policies/policies.ts';
import type { LocalMember } from '../../src/demo/local-member.ts';
import type { Member } from '../../src/members/member.ts';
import { DataPath } from '../../src/proxy/data-path.ts';
import {
  connectToSharedBuffer,
  copyThroughSharedBuffer,
} from '../../src/proxy/relay/shared-buffer.ts';
import type { EndReason } from '../../src/proxy/sessions/session.ts';
import { dataPathSettings } from './data-path-settings.ts';
import { lookup } from './lookup.ts';
import { aMember } from './members.ts';

export class Mover implements AsyncDisposable {
  readonly dataPath: DataPath;
  readonly members: readonly Member[];
  /** Why sessions ended, in order. */
  readonly ended: EndReason[] = [];
  /** Sessions whose clients were asked to leave. */
  moves = 0;
  readonly #listener: Server;
  #timer: NodeJS.Timeout | undefined;

  static async before(members: readonly LocalMember[]): Promise<Mover> {
    const mover = new Mover(members);
    mover.#listener.listen({ port: 0, host: '127.0.0.1', backlog: 4096 });
    await once(mover.#listener, 'listening');
    return mover;
  }

  private constructor(members: readonly LocalMember[]) {
    this.members = members.map(({ name, clientPort }) => aMember(name, { port: clientPort }));
    this.dataPath = new DataPath({
      policy: createPolicy('least-connections'),
      snapshot: () => ({
        routable: this.members,
        all: this.members,
        evicted: new Set<Member>(),
      }),
      settings: dataPathSettings({
        ...{ dialTimeout: 5_000, dialRaceAfter: 250, maxConnections: 1_000, followCalls: true },
      }),
      lookup,
      connect: connectToSharedBuffer,
      isSelf: () => false,
      copy: copyThroughSharedBuffer,
      observer: {
        attempted: () => {},
        opened: () => {},
        ended: (_session, reason) => this.ended.push(reason),
        rejected: () => {},
      },
    });
    this.#listener = net.createServer({ allowHalfOpen: true, pauseOnConnect: true }, (socket) =>
      this.dataPath.accept(socket),
    );
  }

  /** `127.0.0.1:PORT` */
  get address(): string {
    return `127.0.0.1:${(this.#listener.address() as AddressInfo).port}`;
  }

  /** Begins to move one session every `interval` ms, the oldest that has been there for `age` ms. */
  start(interval: number, age = 0): void {
    this.#timer = setInterval(() => this.#moveOldest(age), interval);
  }

  /** Ends that. */
  stop(): void {
    clearInterval(this.#timer);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.stop();
    this.#listener.close();
    this.dataPath.close();
    await this.dataPath.idle();
  }

  #moveOldest(age: number): void {
    const { sessions, drainer } = this.dataPath;
    const [oldest] = sessions
      .all()
      .filter((session) => !drainer.has(session) && session.calls?.state === 'followed');
    if (oldest === undefined || performance.now() - oldest.openedAt < age) return;
    drainer.request([oldest], {
      ...{ reason: 'rebalanced', graceful: true, timeout: 0, cut: 0 },
      ...{ deadline: Number.POSITIVE_INFINITY, atDeadline: 'stay' },
      onLeaving: () => {
        this.moves += 1;
      },
    });
  }
}
