/**
 * Copies with plain Node streams: the way for a Node whose handles are not as shared-buffer.ts
 * knows them. Same behaviour, a third more CPU, and garbage for every chunk.
 */
import type { Socket } from 'node:net';
import type { ByteCounts, Copier, Follower, SocketPair } from './copier.ts';

/** See `Copier`. */
export const copyThroughStreams: Copier = (
  pair: SocketPair,
  counts: ByteCounts,
  follower?: Follower,
) => {
  const { client, member } = pair;
  if (client.destroyed || member.destroyed) throw new Error('the connection is already closed');
  client.on('data', (chunk: Buffer) => {
    follower?.followClient(chunk, chunk.length);
    counts.client += chunk.length;
    counts.memberSpokeLast = false;
    if (!counts.noted) counts.note();
    forward(chunk, client, member);
  });
  member.on('data', (chunk: Buffer) => {
    counts.member += chunk.length;
    counts.memberSpokeLast = true;
    if (!counts.noted) counts.note();
    const at = follower?.followMember(chunk, chunk.length) ?? -1;
    if (follower === undefined || at < 0) forward(chunk, member, client);
    else forward(withWord(chunk, at, follower.word), member, client);
  });
  return { ...pair, catchUp: () => false };
};

function withWord(chunk: Buffer, at: number, word: Uint8Array): Buffer {
  return Buffer.concat([chunk.subarray(0, at), word, chunk.subarray(at)]);
}

function forward(chunk: Buffer, source: Socket, target: Socket): void {
  if (target.destroyed || target.write(chunk)) return;
  source.pause();
  target.once('drain', () => source.resume());
}
