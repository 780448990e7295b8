/** Real TCP members for the tests of the data path, in a line each. */

import { once } from 'node:events';
import net, { type AddressInfo, type Server, type Socket } from 'node:net';
import { Worker } from 'node:worker_threads';
import type { Policy } from '../../../src/balancing/policies/policy.ts';
import type { Snapshot } from '../../../src/balancing/snapshot.ts';
import type { Member } from '../../../src/members/member.ts';
import { aMember } from '../../support/members.ts';

/** Picks in the order of the list, so that a test can tell what happens next. */
export const inOrder: Policy = (members, tried) =>
  members.find((member) => !tried.includes(member));

/** A snapshot that routes to everybody. */
export function routeTo(...all: Member[]): Snapshot {
  return { routable: all, all, evicted: new Set() };
}

/** The name is the default one of a member nobody asks for. */
export function memberAt(port: number, name = `m${port}`): Member {
  return aMember(name, { port });
}

/** Nothing listens on port 1 of loopback: connecting is refused. */
export const refusing = (name: string): Member => memberAt(1, name);

/** A member that answers the SYN of nobody, as one behind a black hole. */
export interface FrozenPort extends AsyncDisposable {
  readonly port: number;
}

/**
 * A listener on a thread that sleeps, with its queue filled: the kernel drops every further SYN.
 * Works without a network that swallows packets, which not every machine has.
 */
export async function freezePort(): Promise<FrozenPort> {
  const gate = new Int32Array(new SharedArrayBuffer(4));
  const worker = new Worker(
    `const { parentPort, workerData } = require('node:worker_threads');
     const server = require('node:net').createServer((socket) => socket.destroy());
     server.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
       parentPort.postMessage(server.address().port);
       Atomics.wait(workerData, 0, 0);
       server.close();
     });`,
    { eval: true, workerData: gate },
  );
  const exit = once(worker, 'exit');
  const [port] = (await once(worker, 'message')) as [number];
  const fillers = [0, 1].map(() => net.connect(port, '127.0.0.1').on('error', () => {}));
  await Promise.all(fillers.map((filler) => once(filler, 'connect')));
  return {
    port,
    [Symbol.asyncDispose]: async () => {
      for (const filler of fillers) filler.destroy();
      Atomics.store(gate, 0, 1);
      Atomics.notify(gate, 0);
      await exit;
    },
  };
}

/** Members that accept; each does with a connection what it is told to. */
export class Members implements AsyncDisposable {
  readonly #servers: Server[] = [];
  readonly #sockets = new Set<Socket>();

  async serve(name: string, onConnection: (socket: Socket) => void = () => {}): Promise<Member> {
    const server = net.createServer({ allowHalfOpen: true }, (socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket)).on('error', () => {});
      onConnection(socket);
    });
    this.#servers.push(server);
    server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 });
    await once(server, 'listening');
    return memberAt((server.address() as AddressInfo).port, name);
  }

  /** Sends back what it gets. */
  echo(name: string): Promise<Member> {
    return this.serve(name, (socket) => socket.pipe(socket));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    const closed = this.#servers.map((server) => once(server, 'close'));
    for (const server of this.#servers) server.close();
    await Promise.all(closed);
  }
}
