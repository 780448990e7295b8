/**
 * Copies with plain Node streams: for TLS of our own, and for a Node without the handles that
 * shared-buffer.ts expects. Same behaviour, more CPU, and garbage for every chunk.
 */
import type { Socket } from 'node:net';
import { type ByteCounts, clientSpoke, memberSpoke } from './byte-counts.ts';
import type { Copier, Follower, SocketPair } from './copier.ts';
import { Gate } from './gate.ts';
import { orEnd } from './or-end.ts';
import { resetConnection } from './relay.ts';

/**
 * Calls `onChunk` with each chunk read from a socket. If it returns false, reading stops until the socket is
 * resumed. Returns the socket to use from now on, which may be a new one.
 */
export type Listen = (socket: Socket, onChunk: (chunk: Buffer) => boolean) => Socket;

/** Makes a copier that reads with `listen` and writes with `stream.write`. */
export function copyChunks(listen: Listen): Copier {
  return (pair: SocketPair, counts: ByteCounts, follower?: Follower) => {
    if (pair.client.destroyed || pair.member.destroyed) {
      throw new Error('the connection is already closed');
    }
    const gate = new Gate(() => client);
    const resumeMember = (): void => void member.resume();
    const end = (error: Error): void => {
      resetConnection(client, error);
      resetConnection(member, error);
    };
    const fromClient = (chunk: Buffer): boolean => {
      follower?.followClient(chunk, chunk.length);
      clientSpoke(counts, chunk.length);
      return gate.passes(forward(chunk, member, gate.drained));
    };
    const fromMember = (chunk: Buffer): boolean => {
      memberSpoke(counts, chunk.length);
      const at = follower?.followMember(chunk, chunk.length) ?? -1;
      const bytes =
        follower === undefined || at < 0 ? chunk : withInjection(chunk, at, follower.injection);
      return forward(bytes, client, resumeMember);
    };
    const client: Socket = listen(pair.client, orEnd(fromClient, end));
    const member: Socket = listen(pair.member, orEnd(fromMember, end));
    // A stream may have read ahead, unseen from here, so a held client counts as having bytes.
    const catchUp = (): boolean => gate.held;
    return { client, member, catchUp, hold: gate.hold, release: gate.release };
  };
}

export const listenToStream: Listen = (socket, onChunk) =>
  socket.on('data', (chunk: Buffer) => {
    if (!onChunk(chunk)) socket.pause();
  });

/** See `Copier`. */
export const copyThroughStreams: Copier = copyChunks(listenToStream);

function withInjection(chunk: Buffer, at: number, injection: Uint8Array): Buffer {
  return Buffer.concat([chunk.subarray(0, at), injection, chunk.subarray(at)]);
}

function forward(chunk: Buffer, target: Socket, resume: () => void): boolean {
  if (target.destroyed || target.write(chunk)) return true;
  target.once('drain', resume);
  return false;
}
