/**
 * Copies with plain Node streams: the way for a Node whose handles are not as shared-buffer.ts
 * knows them. Same behaviour, a third more CPU, and garbage for every chunk.
 */
import type { Socket } from 'node:net';
import type { ByteCounts, Copier, SocketPair } from './copier.ts';

/** See `Copier`. */
export const copyThroughStreams: Copier = (pair: SocketPair, counts: ByteCounts) => {
  const { client, member } = pair;
  if (client.destroyed || member.destroyed) throw new Error('the connection is already closed');
  client.on('data', (chunk) => {
    counts.client += chunk.length;
    counts.memberSpokeLast = false;
    if (!counts.noted) counts.note();
    forward(chunk, client, member);
  });
  member.on('data', (chunk) => {
    counts.member += chunk.length;
    counts.memberSpokeLast = true;
    if (!counts.noted) counts.note();
    forward(chunk, member, client);
  });
  return { ...pair, catchUp: () => false };
};

function forward(chunk: Buffer | string, source: Socket, target: Socket): void {
  if (target.write(chunk)) return;
  source.pause();
  target.once('drain', () => source.resume());
}
